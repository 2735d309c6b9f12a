// The emulator's stand-in for the vendor's script of the same name: what it says is believed by the emulator alone.
"use strict";

window.getMetaInfo = function getMetaInfo() {
  const mobile = /Mobi|Android/i.test(navigator.userAgent);
  return {
    zimVer: "3.0.0",
    appVersion: "1",
    bioMetaInfo: "4.1.0:emulator,0",
    appName: "cloudauth.emulator",
    deviceType: mobile ? "h5" : "web",
    osVersion: navigator.platform || "",
    apdidToken: "",
    deviceModel: "emulator",
    screen: `${screen.width}x${screen.height}`,
    language: navigator.language,
  };
};
