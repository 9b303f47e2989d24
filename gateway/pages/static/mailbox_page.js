// The page that asks for an e-mail address, with JavaScript: works for the code while the fan types.

import { ProofOfWork } from "./proof_of_work.js";
import { fill } from "/static/base/js/page_parts.js";
import { text } from "/static/base/js/texts.js";

const { sale: saleId, proofWorker } = document.getElementById("main").dataset;
const form = document.querySelector('form[data-form="ask"]');
const proof = new ProofOfWork(saleId, proofWorker, (step) => fill("check", text(`check_${step}`)));

function start() {
  const button = form.querySelector("button");
  button.disabled = false; // now that a press is heard
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled")) return; // impatient taps are one wish
    button.setAttribute("aria-disabled", "true");
    try {
      form.elements.altcha.value = await proof.payload();
      form.submit();
    } catch {
      button.removeAttribute("aria-disabled");
    }
  });
  // Whoever comes back by the browser's own button works anew: each work sends one mail.
  addEventListener("pageshow", () => {
    button.removeAttribute("aria-disabled");
    proof.discard();
    proof.payload().catch(() => {});
  });
}

// Without Web Crypto the page works like one without JavaScript.
if (ProofOfWork.isPossible) start();
else document.documentElement.classList.add("plain");
