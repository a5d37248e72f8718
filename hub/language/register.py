"""Words that tell how somebody writes: in which person, formal or casual. As they are written, with accents."""

from collections.abc import Mapping


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


PERSONS: Mapping[str, frozenset[str]] = {
    "first_singular": _set("i me my mine myself eu mim meu minha meus minhas comigo yo mí mi mis mío mía"),
    "first_plural": _set(
        "we us our ours ourselves nós nosso nossa nossos nossas conosco nosotros nosotras nuestro nuestra nuestros"
        " nuestras"
    ),
    "second": _set(
        "you your yours yourself você vocês seu sua seus suas te tu teu tua usted ustedes su sus tú tus contigo"
    ),
    "third": _set(
        "he she they him her them his their ele ela eles elas dele dela deles él ella ellos ellas"
    ),
}
FORMAL = _set(
    "therefore furthermore moreover however consequently regarding accordingly hereby whereas pursuant portanto ademais"
    " contudo entretanto todavia outrossim conforme mediante referente cordialmente senhor senhora asimismo además"
    " embargo usted estimado estimada atentamente dear sincerely kindly shall"
)
LOOSE = _set(
    "hey yeah gonna wanna gotta kinda cool awesome guys stuff ok okay lol btw oi né tá pra pro cê galera beleza valeu"
    " legal bora vc tb hola vale guay chévere genial dale che onda"
)
