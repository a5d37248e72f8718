"""Codes of languages as ISO 639 and BCP 47 have them: `pt-BR`, `en`. Pure."""

# ISO 639-1; of the thousands with three letters any may be meant.
_TWO = (
    " aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz "
    "ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik "
    "in io is it iu iw ja ji jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh "
    "mi mk ml mn mo mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru "
    "rw sa sc sd se sg sh si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug "
    "uk ur uz ve vi vo wa wo xh yi yo za zh zu "
)


def known(code: str) -> bool:
    """Whether a code begins with a language that there is."""
    language = code.replace("_", "-").partition("-")[0].lower()
    return len(language) == 3 or (len(language) == 2 and f" {language} " in _TWO)
