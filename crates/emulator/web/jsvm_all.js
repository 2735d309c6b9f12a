// The emulator's replacement of the vendor's script with the same name. Only the emulator accepts its MetaInfo.
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
