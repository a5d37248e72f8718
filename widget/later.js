// Send later: on the clock of whoever writes.

import "./console.js";

$("[name=zone]").value = Intl.DateTimeFormat().resolvedOptions().timeZone;
