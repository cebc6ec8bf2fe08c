"""Every error that Vesalius raises on purpose, as one tree.

::

    VesaliusError
    ├── InvalidResource      a FHIR resource breaks the R4 structure (names the element)
    ├── UnreadableInput      bytes that no reader can turn into resources
    ├── InvalidMap           a CSV map is wrong (names the line)
    ├── InvalidView          a ViewDefinition or FHIRPath expression is wrong (names the place)
    ├── InvalidModel         a model file is damaged, unknown or not the one asked for
    ├── InvalidCard          a use case's card, texts or settings are wrong or incomplete
    ├── InvalidSetting       a setting of the hospital is wrong
    ├── InvalidDecision      what a person decided lacks something it needs (a reason, an option, a moment)
    ├── NotFound             no such suggestion, use case, resource, receipt …
    ├── Conflict             the state has changed since it was read (already decided, undo too late …)
    ├── NotAllowed           the person, the role or the life cycle does not permit it
    │   ├── Untrained        the person has not passed the course that the hospital requires
    │   └── OutsideCare      the person has no care relation with the patient, or the patient excluded them
    ├── TooMany              somebody asked too often, and must wait
    ├── Unavailable          the database or the disk does not answer: full, locked, read-only, unreachable
    ├── NotEnoughData        too few patients or outcomes to answer honestly
    ├── Leak                 a split or a feature would let in the answer, or what was not known yet
    ├── InvalidPlan          a plan of anonymisation, or a hierarchy, is wrong (names the column)
    ├── NotAnonymous         no way of making the table coarser meets the plan (says which rule stops it)
    ├── InvalidIdentifier    what was to get a pseudonym is not an identifier of its kind
    ├── NotScrubbed          something cannot be made unrecognisable, and is held back (says why)
    ├── Tampered             the audit chain does not verify
    └── Erased               it was erased on request: it cannot be read or made again
"""


class VesaliusError(Exception):
    """The root: its message says what is wrong, its hint what to do next.

    Args:
        message: what is wrong, without patient data.
        hint: what the reader can do about it, or nothing.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class InvalidResource(VesaliusError):
    """A FHIR resource breaks the R4 structure; ``path`` names the element, as in ``Patient.birthDate``."""

    def __init__(self, message: str, *, path: str = "", hint: str = "") -> None:
        super().__init__(f"{path}: {message}" if path else message, hint=hint)
        self.path = path


class UnreadableInput(VesaliusError):
    """Bytes that no reader can turn into resources: wrong encoding, truncated, not the format announced."""


class InvalidMap(VesaliusError):
    """A CSV map is wrong."""


class InvalidView(VesaliusError):
    """A ViewDefinition or FHIRPath expression is wrong; ``place`` names where: ``select[0].column[2]``."""

    def __init__(self, message: str, *, place: str = "", hint: str = "") -> None:
        super().__init__(f"{place}: {message}" if place else message, hint=hint)
        self.place = place


class InvalidModel(VesaliusError):
    """A model file is damaged, unknown or not the one asked for."""


class InvalidCard(VesaliusError):
    """A use case's card, texts or settings are wrong or incomplete."""


class InvalidSetting(VesaliusError):
    """A setting of the hospital is wrong."""


class InvalidDecision(VesaliusError):
    """What a person decided lacks something it needs: a reason, an option, a moment; the message names it."""


class NotFound(VesaliusError):
    """There is no such suggestion, use case, resource or receipt."""


class Conflict(VesaliusError):
    """The state has changed since it was read: already decided, too late to undo."""


class NotAllowed(VesaliusError):
    """The person, the role or the life cycle does not permit it."""


class Untrained(NotAllowed):
    """The person has not passed the ``course`` that the hospital requires of who decides."""

    def __init__(self, message: str, *, course: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.course = course


class OutsideCare(NotAllowed):
    """There is no care relation with the patient, or the patient refuses to be seen.

    ``breakable`` says whether the glass may be broken, ``refused`` whether it is the patient who refuses that
    those who treat see their data.
    """

    def __init__(
        self, message: str, *, breakable: bool = False, refused: bool = False, hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.breakable = breakable
        self.refused = refused


class TooMany(VesaliusError):
    """Somebody asked too often, and must wait for some ``seconds``."""

    def __init__(self, message: str, *, seconds: float, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.seconds = seconds


class Unavailable(VesaliusError):
    """The database or the disk does not answer: full, locked, read-only, unreachable. Nothing was written."""


class NotEnoughData(VesaliusError):
    """There are too few patients or outcomes to answer honestly."""


class Leak(VesaliusError):
    """A split would let in the answer (a patient on both sides), or a feature could see past its moment.

    ``place`` names where: ``features[2].ending``.
    """

    def __init__(self, message: str, *, place: str = "", hint: str = "") -> None:
        super().__init__(f"{place}: {message}" if place else message, hint=hint)
        self.place = place


class InvalidPlan(VesaliusError):
    """A plan of anonymisation, or a hierarchy of values, is wrong; the message names the column."""


class NotAnonymous(VesaliusError):
    """No way of making the table coarser meets the plan; the message says which of its rules stops it."""


class InvalidIdentifier(VesaliusError):
    """What was to get a pseudonym is empty, has blanks around it, or fails its check digits."""


class NotScrubbed(VesaliusError):
    """Something cannot be made unrecognisable with certainty, and is held back; the message says why."""


class Tampered(VesaliusError):
    """The audit chain does not verify: an event was altered, removed or reordered."""


class Erased(VesaliusError):
    """What is asked for was erased on request, or rests on what was; it cannot be read or made again."""
