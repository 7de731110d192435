// The numbers of an edge or node in words: beside it, above the nodes, within the frame.

const GAP_PX = 14;
const EDGE_OF_FRAME_PX = 8;
// Where on an edge a label may stand, best first.
const PLACES = [0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.1, 0.9, 0.02, 0.98];

const within = (frame, { x, y }) =>
  x > frame.left && x < frame.right && y > frame.top && y < frame.bottom;

// On the screen, the best place of an edge that the frame shows; or its middle.
export function pointInSight(scroller, edge) {
  const line = edge.querySelector(".line");
  const [length, toScreen] = [line.getTotalLength(), line.getScreenCTM()];
  const points = PLACES.map((part) => line.getPointAtLength(part * length).matrixTransform(toScreen));
  const frame = scroller.getBoundingClientRect();
  return points.find((point) => within(frame, point)) ?? points[0];
}

export const isInSight = (scroller, edge) =>
  within(scroller.getBoundingClientRect(), pointInSight(scroller, edge));

// `pointer` is where it points, null when the element is focused; without an element
// nothing is shown. The ends of an edge stay in sight.
export function showTip(tip, scroller, element, pointer, ends) {
  tip.hidden = !element;
  if (!element) return;
  const { label } = element.dataset;
  const sentence = element.getAttribute("aria-label");
  const [name, numbers] = tip.children;
  name.textContent = sentence.slice(0, sentence.lastIndexOf(`: ${label}`));
  numbers.textContent = label;
  const size = tip.getBoundingClientRect();
  const anchor = besides(ends, size, anchorOf(scroller, element, pointer));
  place(tip, size, scroller.getBoundingClientRect(), anchor);
}

function anchorOf(scroller, element, pointer) {
  if (element.matches(".map-node")) return element.getBoundingClientRect();
  const { x, y } = pointer ?? pointInSight(scroller, element);
  return new DOMRect(x, y);
}

// The anchor, made as high as those of the elements that a label at it would cover.
function besides(elements, { width, height }, anchor) {
  const middle = anchor.left + anchor.width / 2;
  const covered = elements
    .map((each) => each.getBoundingClientRect())
    .filter((each) => each.left < middle + width / 2 && each.right > middle - width / 2)
    .filter((each) => each.top < anchor.bottom && each.bottom > anchor.top - height - GAP_PX);
  const top = Math.min(anchor.top, ...covered.map((each) => each.top));
  const bottom = Math.max(anchor.bottom, ...covered.map((each) => each.bottom));
  return new DOMRect(anchor.left, top, anchor.width, bottom - top);
}

// Above what it tells of, or below where there is no room.
function place(tip, { width, height }, frame, anchor) {
  const middle = anchor.left + anchor.width / 2 - frame.left;
  const above = anchor.top - frame.top - height - GAP_PX;
  const top = above >= EDGE_OF_FRAME_PX ? above : anchor.bottom - frame.top + GAP_PX;
  const keep = (wanted, room) => Math.max(EDGE_OF_FRAME_PX, Math.min(wanted, room - EDGE_OF_FRAME_PX));
  tip.style.left = `${keep(middle - width / 2, frame.width - width)}px`;
  tip.style.top = `${keep(top, frame.height - height)}px`;
}
