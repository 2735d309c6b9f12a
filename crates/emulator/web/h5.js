// The end user's page: camera preview, score and iframe message. The form works without this script.
"use strict";

const form = document.querySelector("form");
if (form) {
  submitOnce(form);
  offerScore();
  offerCamera();
}
handOver();

function byId(id) {
  return document.getElementById(id);
}

function submitOnce(form) {
  const buttons = form.querySelectorAll(".ends button");
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) {
      event.preventDefault();
      return;
    }
    sent = true;
    // Deferred: the browser may ignore the formaction of a button that is disabled immediately.
    setTimeout(() => buttons.forEach((button) => { button.disabled = sent; }));
  });
  // After a return from the shop, the page comes from the cache in its last state.
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    sent = false;
    buttons.forEach((button) => { button.disabled = false; });
  });
}

function offerScore() {
  const chosen = byId("choose-score");
  const score = byId("verify_score");
  const show = () => {
    score.disabled = !chosen.checked;
    byId("score-shown").textContent = Number(score.value).toFixed(1);
  };
  chosen.addEventListener("change", show);
  score.addEventListener("input", show);
  show();
  byId("score").hidden = false;
}

function offerCamera() {
  const start = byId("camera-start");
  const stop = byId("camera-stop");
  const video = byId("preview");
  const status = byId("camera-status");
  let stream = null;
  let wanted = false;

  function say(what, told) {
    status.textContent = status.dataset[what];
    status.toggleAttribute("data-told", Boolean(told));
  }

  function show(on) {
    video.hidden = stop.hidden = !on;
    start.hidden = on;
    video.srcObject = on ? stream : null;
  }

  async function begin() {
    if (wanted) return;
    wanted = true;
    try {
      if (!allowedHere()) throw new DOMException("", "PolicyError");
      if (!navigator.mediaDevices) throw new DOMException("", "NotSupportedError");
      say("asking");
      const given = await navigator.mediaDevices.getUserMedia({ video: true });
      stream = given;
      // The user may have left the page while the browser asked for permission.
      if (!wanted) return letGo();
      given.getTracks().forEach((track) => track.addEventListener("ended", () => end("absent", true)));
      show(true);
      stop.focus();
      say("on");
    } catch (error) {
      wanted = false;
      say(reason(error.name), true);
    }
  }

  function letGo() {
    if (stream) stream.getTracks().forEach((track) => track.stop());
    stream = null;
  }

  function end(what, told) {
    const mine = document.activeElement === stop;
    wanted = false;
    letGo();
    show(false);
    if (mine) start.focus();
    say(what, told);
  }

  start.addEventListener("click", begin);
  stop.addEventListener("click", () => end("off"));
  window.addEventListener("pagehide", () => end("off"));
  byId("camera").hidden = false;
}

// Whether the embedding page allows the camera. Assumes yes if the browser does not report it.
function allowedHere() {
  const policy = document.permissionsPolicy || document.featurePolicy;
  return !policy || policy.allowsFeature("camera");
}

function reason(name) {
  switch (name) {
    case "PolicyError": return "policy";
    case "NotSupportedError": return "unsupported";
    case "NotFoundError": case "OverconstrainedError": return "absent";
    // Firefox and Safari do not report the policy; in a frame it is the likelier cause.
    case "NotAllowedError": case "SecurityError":
      return parent !== window && !document.permissionsPolicy && !document.featurePolicy ? "policy" : "denied";
    default: return "busy";
  }
}

// With ReturnUrl=iframe, posts the message to the embedding page once.
function handOver() {
  const held = byId("message");
  if (!held) return;
  if (parent === window) held.hidden = false;
  parent.postMessage(JSON.parse(held.dataset.message), "*");
}
