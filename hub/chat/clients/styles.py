"""CSS colours, origins and keys, as a chat page may be given them."""

import re

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

_HEX = re.compile(r"#(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})", re.IGNORECASE)
_FUNCTION = re.compile(r"(?:rgba?|hsla?|hwb|lab|lch|oklab|oklch)\([0-9a-z%.,/ +-]{1,60}\)", re.IGNORECASE)
_ORIGIN = re.compile(r"https?://(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9-]{1,63}(?::\d{1,5})?")
# CSS Color Module Level 4, named colours.
NAMES = frozenset(
    """
    aliceblue antiquewhite aqua aquamarine azure beige bisque black blanchedalmond blue blueviolet brown burlywood
    cadetblue chartreuse chocolate coral cornflowerblue cornsilk crimson cyan darkblue darkcyan darkgoldenrod darkgray
    darkgreen darkgrey darkkhaki darkmagenta darkolivegreen darkorange darkorchid darkred darksalmon darkseagreen
    darkslateblue darkslategray darkslategrey darkturquoise darkviolet deeppink deepskyblue dimgray dimgrey dodgerblue
    firebrick floralwhite forestgreen fuchsia gainsboro ghostwhite gold goldenrod gray green greenyellow grey honeydew
    hotpink indianred indigo ivory khaki lavender lavenderblush lawngreen lemonchiffon lightblue lightcoral lightcyan
    lightgoldenrodyellow lightgray lightgreen lightgrey lightpink lightsalmon lightseagreen lightskyblue lightslategray
    lightslategrey lightsteelblue lightyellow lime limegreen linen magenta maroon mediumaquamarine mediumblue
    mediumorchid mediumpurple mediumseagreen mediumslateblue mediumspringgreen mediumturquoise mediumvioletred
    midnightblue mintcream mistyrose moccasin navajowhite navy oldlace olive olivedrab orange orangered orchid
    palegoldenrod palegreen paleturquoise palevioletred papayawhip peachpuff peru pink plum powderblue purple
    rebeccapurple red rosybrown royalblue saddlebrown salmon sandybrown seagreen seashell sienna silver skyblue
    slateblue slategray slategrey snow springgreen steelblue tan teal thistle tomato turquoise violet wheat white
    whitesmoke yellow yellowgreen
    """.split()  # noqa: SIM905
)


def colour(value: str) -> str:
    """Raise ValueError for what is no CSS colour."""
    value = value.strip()
    if _HEX.fullmatch(value) or _FUNCTION.fullmatch(value) or value.lower() in NAMES:
        return value
    raise ValueError('must be a CSS colour, for example "#6366f1", "rgb(99 102 241)" or "indigo"')


def is_origin(value: str) -> bool:
    """Whether a value may stand in a policy as a host: nothing in it ends the directive or begins another."""
    return isinstance(value, str) and _ORIGIN.fullmatch(value.lower()) is not None


def origin(value: str) -> str:
    """Raise ValueError for what is no origin; "https://*.example.com" stands for all subdomains."""
    value = value.strip().rstrip("/").lower()
    if not _ORIGIN.fullmatch(value):
        raise ValueError('must hold origins without a path, for example "https://www.example.com"')
    return value


def allows(allowed: list[str], asked: str) -> bool:
    """Whether an origin is one of those allowed; "https://*.example.com" allows subdomains, not itself."""
    for one in allowed:
        scheme, _, rest = one.partition("://*.")
        if one == asked or (rest and asked.startswith(scheme + "://") and asked.endswith("." + rest)):
            return True
    return False


def public_key(value: str | None) -> str | None:
    """Raise ValueError for what is no public key of the curve P-256."""
    if not value:
        return None
    try:
        found = load_pem_public_key(value.encode())
    except ValueError:
        raise ValueError("must be a public key in PEM form") from None
    if not isinstance(found, EllipticCurvePublicKey) or found.curve.name != "secp256r1":
        raise ValueError("must be a key of the curve P-256, as ES256 needs it")
    return value
