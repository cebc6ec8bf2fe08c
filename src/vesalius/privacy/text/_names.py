"""Names of people, by what stands around them first and by lists second.

A text is cut into runs of words that begin with a capital; initials and particles (*van den*, *Di*) belong to a
run. A run is cut where a common word, an abbreviation or a title stands. What is left is a name if a title, a
label, a kinship or a greeting stands beside it, if it has initials, or if a list knows one of its words. What is
known to be a name anywhere in a text is one everywhere in it; words that also mean something else (*Petit*, *Kok*)
are names only beside another name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from functools import cache

import msgspec

from vesalius.privacy.text._words import PARTICLES, ambiguous, words
from vesalius.privacy.text.found import Found, Kind

_TITLES = (
    r"(?:[Dd]rs?\.?|[Dd]octeure?|[Dd]octoresse|[Pp]rof\.?|[Pp]rofesseure?|Pr\.?|Mr\.?|MM\.|Monsieur|Mmes?\.?|Madame|Mlle|Mademoiselle"
    r"|[Dd]hr\.?|[Hh]eer|[Mm]evr\.?|[Mm]evrouw|Mw\.?|[Mm]ej\.?|[Mm]eneer|[Dd]okter|[Zz]r\.|[Zz]uster|[Vv]pk\.?|[Vv]erpleegkundige|[Bb]roeder|[Ii]nfirmi(?:er|ère)|[Ii]nf\."
    r"|[Kk]in[ée](?:sist|sithérapeute)?|[Cc]onfr[èe]re|[Cc]ollega|Herrn?|Frau|Mrs\.?|Ms\.?|Miss|[Dd]octor|[Nn]urse|[Pp]sychologue|[Pp]sycholoog|[Ss]age-femme|[Vv]roedvrouw)"
)
_LOWER = "[a-zß-öø-ÿœ]{1,30}"
_CAP = rf"(?:[A-ZÀ-ÖØ-Þ]['’])?[A-ZÀ-ÖØ-Þ]{_LOWER}(?:[A-ZÀ-ÖØ-Þ]{_LOWER})?(?:[-'’][A-ZÀ-ÖØ-Þa-zß-öø-ÿ]{_LOWER}){{0,3}}"
_UP = r"[A-ZÀ-ÖØ-Þ]{2,30}(?:[-'’][A-ZÀ-ÖØ-Þ]{2,30}){0,3}"
_INITIALS = r"[A-ZÀ-ÖØ-Þ]\.(?:[ -]?[A-ZÀ-ÖØ-Þ]\.){0,4}"
_PARTICLE = (
    r"(?:[Vv]an(?: (?:de[nr]?|het|'t))?|VAN(?: DE[NR]?)?|[Dd]e(?: la| l['’]| le)?|DE(?: LA)?|[Dd]en|DEN|[Dd]u|DU|[Dd]i|DI|[Dd]el(?:la)?|[Ee]l|EL|[Aa]l|AL"
    r"|[Bb]en|BEN|[Vv]on(?: der)?|[Tt]er|[Tt]en|[Ll]e|LE|[Ll]a|LA|[Dd]os|[Dd]a|[Aa]bu|[Oo]uld|['’]t|[Dd]['’]|[Ss]int|[Ss]t\.|zu|af)"
)
_TOKEN = re.compile(
    rf"(?P<title>\b{_TITLES}(?=[ \u00a0]))|(?P<part>(?<![\w])(?:{_PARTICLE}(?=[ \u00a0])|[Dd]['’])(?=[ \u00a0]?[A-ZÀ-ÖØ-Þ]|[ \u00a0](?:de[nr]?|la) [A-Z]))"
    rf"|(?P<init>\b{_INITIALS})|(?P<cap>(?<!\w){_CAP}(?![\w@]))|(?P<up>(?<!\w){_UP}(?![\w@]))"
)
_LABEL = re.compile(
    r"(?:\b(?:nom(?: de famille)?|naam|name|pr[ée]nom|voornaam|vorname|patiente?|patiënte?|patientin|concerne|betreft|betr\.?|betrifft|re|sign[ée](?: par)?|getekend|gez\.?|rédigé par|dict[ée] par"
    r"|m[ée]decin(?: \w+)?|huisarts|hausarzt|opgesteld door|auteur|valid[ée] par|résultats?(?: de)?|resulta(?:at|ten)(?: van)?|cc|copie|kopie|aan|à l'attention de|t\.?a\.?v\.?|chirurgien|operateur|arts|aanwezig|présents?"
    r"|personne de contact|contactpersoon|infirmi(?:er|ère) référente?|adressée? par(?: le| la)?|verwezen door|référent|envoyeur|destinataire|van|de)\s?:\s{0,3}"
    r"|\b(?:résultats?|resultaten|rapport|verslag|dossier|concernant|betreffende|appelée?|genaamd|nommée?|namens|au nom de|prénommée?)\s)",
    re.IGNORECASE,
)
_KIN = (
    r"(?:fille|fils|épouse|époux|mari|femme|conjointe?|sœur|soeur|frère|mère|père|compagne|compagnon|voisine?|neveu|nièce|petite?-fil(?:le|s)|belle-\w+|beau-\w+|parrain|marraine|amie?|cousine?|tuteur|tutrice|aidante? proche"
    r"|(?:schoon|klein|stief)?(?:dochter|zoon|zus|broer|moeder|vader)|echtgenote?|partner|vriendin|vriend|buurvrouw|buurman|buur|neef|nicht|mantelzorger|bewindvoerder|tante|nonkel|oom|oma|opa|mama|papa|vrouw|man"
    r"|Tochter|Sohn|Ehefrau|Ehemann|Mutter|Vater|Schwester|Bruder|daughter|son|wife|husband|sister|brother|mother|father|niece|nephew|neighbour|friend)"
)
_KIN_BEFORE = re.compile(rf"\b{_KIN}[,:]?\s(?:(?:est|is|s'appelle|heet|named|nommée?)\s|\()?", re.IGNORECASE)
_KIN_AFTER = re.compile(
    rf"\s?[,(]\s?(?:(?:sa|son|la|le|l['’]|haar|zijn|de|seine?|ihre?|her|his|the)\s)?{_KIN}\b", re.IGNORECASE
)
_GREETING = re.compile(
    r"\b(?:bien à (?:vous|toi)|cordialement|salutations(?: \w+){0,2}|sentiments(?: \w+){0,2}|confraternellement|groeten?|groetjes|hoogachtend|hoogachting|grüßen|regards|sincerely|faithfully|merci|dank(?: u)?|bedankt)(?![\w])\s?[,.]?\s{0,4}",
    re.IGNORECASE,
)
_SALUTATION = re.compile(
    r"(?:^|\n)[ ]*(?:cher|chère|beste|dag|geachte|lieve|liebe[r]?|dear|bonjour|hallo|hi)\s", re.IGNORECASE
)
_EPONYM = re.compile(
    r"(?:maladie|syndrome|signe|test|score|échelle|indice|man(?:œ|oe)uvre|critères?|classification|classe|stade|fracture|hernie|triade|réflexe|méthode|opération|intervention|sonde|pince|ziekte|syndroom|teken|proef|schaal|index|criteria|classificatie|stadium"
    r"|fractuur|methode|operatie|reflex|morbus|m\.|krankheit|zeichen|skala|disease|sign|scale)\s(?:(?:de|du|des|von|van|der|of|la|le)\s|d['’])?(?:[A-ZÀ-Þ][\w-]+(?:\s|-|\set\s|\sen\s))?$",
    re.IGNORECASE,
)
_EPONYM_AFTER = re.compile(
    r"(?:-|\s)?(?:schaal|score|test|index|syndroom|syndrome?|krankheit|zeichen|ziekte|grade|stadium|teken)\b|['’]s (?:disease|sign|syndrome)",
    re.IGNORECASE,
)
_GERMAN = re.compile(r"\b(?:und|der|wurde|nicht|wegen|mit|ist)\b")
_BEFORE = 40
_LONGEST = 8
"""The most words of a name; a run that is longer is several."""


class _Token(msgspec.Struct, frozen=True):
    kind: str
    text: str
    start: int
    end: int


def find(text: str, known: Collection[str] = ()) -> Iterator[Found]:
    """Names of people.

    Args:
        text: to search.
        known: names that are known to belong to somebody of this text; each of their words is one.
    """
    spans = list(_segments(text))
    said = {word for start, end in spans for word in _parts(text[start:end])}
    sure = {word for word in said if not {word, word.capitalize()} & _common()}
    sure |= {part for name in known for part in _parts(name)}
    yield from (Found(start, end, Kind.NAME) for start, end in spans)
    yield from _again(text, sure, {part for name in known for part in _parts(name)})


def _parts(name: str) -> list[str]:
    """The words of a name that can stand for it, without particles and initials."""
    plain = re.split(r"[^\w'’-]+", name)
    found = []
    for word in plain:
        whole = word.strip("'’-")
        if len(whole) >= 3 and whole.lower() not in PARTICLES:
            found += [whole, *(part for part in re.split(r"[-]", whole) if len(part) >= 4)]
    return found


@cache
def _common() -> frozenset[str]:
    return words("words") | words("abbreviations") | _unsure()


@cache
def _unsure() -> frozenset[str]:
    return ambiguous("surnames") | ambiguous("first_names")


def _again(text: str, sure: Iterable[str], known: Collection[str]) -> Iterator[Found]:
    """Where a name stands again, as it is or in capitals; those known from elsewhere in small letters too."""
    forms = {form for word in sure for form in (word, word.upper(), word.capitalize())}
    small = {word.lower() for word in known if word.capitalize() not in _common()}
    for form in forms | small:
        start = text.find(form)
        while start >= 0:
            end = start + len(form)
            whole = not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum())
            if whole and (form in known or not _is_eponym(text, start, end)):
                yield Found(start, end, Kind.NAME)
            start = text.find(form, end)


def _is_eponym(text: str, start: int, end: int) -> bool:
    return bool(_EPONYM_AFTER.match(text, end) or _EPONYM.search(text, max(0, start - _BEFORE), start))


def _segments(text: str) -> Iterator[tuple[int, int]]:
    german = len(_GERMAN.findall(text)) > 2 + len(text) // 400  # its nouns have capitals too
    cues = {
        match.end() for cue in (_LABEL, _KIN_BEFORE, _GREETING, _SALUTATION) for match in cue.finditer(text)
    }
    for run in _runs(text):
        piece: list[_Token] = []
        titled = False
        for token in [*run, _Token("end", "", 0, 0)]:
            if token.kind in {"end", "title"} or not _may_be(token, piece, titled):
                stretch = _stretch(piece, titled)
                if stretch and _is_name(text, stretch, titled or stretch[0].start in cues, german):
                    yield stretch[0].start, stretch[-1].end
                piece, titled = [], token.kind == "title"
            else:
                piece.append(token)


def _runs(text: str) -> Iterator[list[_Token]]:
    run: list[_Token] = []
    for match in _TOKEN.finditer(text):
        token = _Token(match.lastgroup or "", match[0], *match.span())
        if run and (len(run) == _LONGEST or not _touches(text, run[-1], token)):
            yield run
            run = []
        run.append(token)
    if run:
        yield run


def _touches(text: str, before: _Token, after: _Token) -> bool:
    gap = text[before.end : after.start]
    if gap == ", ":  # PEETERS, Jan
        return before.kind == "up" and len(before.text) > 3 and after.kind == "cap" and _first(after)
    beside = not gap and before.kind in {"init", "part"}
    return beside or gap in {" ", "\u00a0", "  "} or (gap == "-" and before.kind == "init")


def _may_be(token: _Token, before: list[_Token], titled: bool) -> bool:
    """Whether a word can belong to a name, after those before it."""
    if token.kind in {"part", "init"}:
        return True
    if token.text in words("abbreviations") or (token.kind == "up" and len(token.text) < 3 and not before):
        return False
    plain = token.text.capitalize() if token.kind == "up" else token.text
    if plain not in words("words") or _must_be(before, titled):
        return True
    # Petit, Grand or Kok: a name after a title, initials, a particle or a first name.
    if plain not in _unsure() and plain not in words("surnames"):
        return False
    return titled or token.kind == "up" or any(one.kind in {"init", "part"} or _first(one) for one in before)


def _must_be(before: list[_Token], titled: bool) -> bool:
    """Whether a name must come next: after a title, initials, or a title and a particle."""
    if not before:
        return titled
    return before[-1].kind == "init" or (
        titled and before[-1].kind == "part" and before[-1].text not in {"le", "la"}
    )


def _first(token: _Token) -> bool:
    names = words("first_names")
    plain = token.text.title() if token.kind == "up" else token.text
    return plain in names or any(part in names for part in plain.split("-"))


def _stretch(piece: list[_Token], titled: bool) -> list[_Token]:
    """A piece without the particles and initials at its end; nothing, where no word is left."""
    while piece and piece[-1].kind in {"part", "init"} and not (titled and len(piece) == 1):
        piece = piece[:-1]
    return piece if any(token.kind in {"cap", "up"} for token in piece) else []


def _is_name(text: str, piece: list[_Token], beside: bool, german: bool) -> bool:
    """Whether a piece is a name: by what stands beside it, by itself, or by its two capitals in a sentence."""
    start, end = piece[0].start, piece[-1].end
    solid = [token for token in piece if token.kind in {"cap", "up"}]
    if beside or _KIN_AFTER.match(text, end) or _looks(piece, solid):
        return True
    if german or len(solid) < 2 or not _inside(text, start) or _is_eponym(text, start, end):
        return False
    return not any(token.text in words("municipalities") for token in solid)


def _looks(piece: list[_Token], solid: list[_Token]) -> bool:
    """Whether a piece is a name by itself: initials, or a word that a list knows."""
    if any(token.kind == "init" for token in piece) and len(solid[-1].text) > 2:
        return True
    plain = [token.text.title() if token.kind == "up" else token.text for token in solid]
    if any(_first(token) and token.text not in words("municipalities") for token in solid):
        return True
    particle = any(token.kind == "part" and token.text[0].isupper() for token in piece)
    if any(name in words("surnames") for name in plain) and plain[0] not in words("municipalities"):
        return True
    return len(solid) > 1 and any(name in _unsure() for name in plain) and (particle or len(solid) == 2)


def _inside(text: str, start: int) -> bool:
    """Whether it stands inside a sentence, where a capital means something."""
    return bool(re.search(r"[a-zà-ÿ0-9,;(]\s$|\($", text[max(0, start - 3) : start]))
