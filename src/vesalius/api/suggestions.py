"""A suggestion as FHIR, labelled as AI: what it says, by which machine, from what, and who judged it.

Machines serve people: a client names the account for whom it asks, and gets what that person may see, by role
and by their relation with the patient. What was filed in silence is given to nobody who treats.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from vesalius.api.answers import answer, bundle
from vesalius.api.calls import Call
from vesalius.api.outcomes import Refusal
from vesalius.bought import maker
from vesalius.errors import InvalidCard, NotAllowed, NotFound
from vesalius.governance import Right, people
from vesalius.governance.audit import Action
from vesalius.review import Filed, mirror
from vesalius.review.transparency import BASE
from vesalius.usecase import find

PARAMETERS = {"person"}
_RESULT = {"_format", "_pretty"}


def read(call: Call) -> Response:
    """One suggestion with its review, as a collection.

    Raises:
        Refusal: there is none, it was filed in silence, it was erased, or nobody is named.
        NotAllowed: the person may not see it.
    """
    if {name for name, _ in call.query} - PARAMETERS - _RESULT:
        raise Refusal(400, "not-supported", "a suggestion is asked for with person alone")
    if not call.parameter("person"):
        raise Refusal(400, "required", "person names the account for whom it is asked")
    filed = _filed(call)
    try:
        person = people.get(call.hospital.engine, call.parameter("person")[:64])
    except NotFound:
        raise NotAllowed("there is no such account") from None
    grant = call.hospital.access.require(person, Right.SEE_WORKLIST, filed.subject, at=call.now)
    detail = {"subject": filed.subject, "person": person.id, **grant.detail}
    made = _mirrored(call, filed, person.language)
    call.note(Action.SUGGESTION_READ, filed.id, detail)
    return answer(bundle("collection", [_entry(each) for each in made]))


def _filed(call: Call) -> Filed:
    try:
        filed = call.hospital.review.get(call.id)
    except NotFound:
        raise _absent() from None
    if filed.erased is not None:
        raise Refusal(410, "deleted", "the suggestion was erased on request")
    if filed.mode == "silent":
        raise _absent()
    return filed


def _mirrored(call: Call, filed: Filed, language: str) -> list[dict[str, Any]]:
    """Its resources; a use that is gone, or whose card lost those words, can say nothing of it any more."""
    try:
        card, by = find(filed.usecase).card, maker(call.hospital.lake, filed.usecase)
        return mirror(filed, card, language, **by)
    except (InvalidCard, NotFound):
        raise Refusal(404, "not-found", "the use case that made it is not installed as it was") from None


def _absent() -> Refusal:
    return Refusal(404, "not-found", "there is no such suggestion")


def _entry(resource: dict[str, Any]) -> dict[str, Any]:
    # These resources have no address of their own: their name is one of our own identifiers.
    return {"fullUrl": f"{BASE}/{resource['resourceType']}/{resource['id']}", "resource": resource}
