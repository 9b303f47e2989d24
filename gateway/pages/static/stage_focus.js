// Where the keyboard and the screen reader go on when another part of the page is shown.

export function focusStage(root) {
  const heading = [...root.querySelectorAll(".room-stage h2")].find((each) => each.offsetParent);
  heading?.setAttribute("tabindex", "-1");
  heading?.focus({ preventScroll: true });
}

// The part that had the focus is gone: go on at the heading of the new one, not at the top.
export function keepFocus(root) {
  const active = document.activeElement;
  if (active === document.body || active?.offsetParent === null) focusStage(root);
}
