// What every page of the shop does with JavaScript: times in the clock of the fan.

import { localTimes } from "/static/base/js/page_parts.js";

localTimes();
