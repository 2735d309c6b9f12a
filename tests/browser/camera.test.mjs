// The camera, which nobody needs, and frames, which may keep it from the page.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { NO_CAMERA, launch, scenarioIn, stateOf, world } from './support.mjs';

const { emulator, shop, browser, scenario } = await world();

let without;
before(async () => { without = await launch([NO_CAMERA]); });
after(() => without.close());

async function open(page, returnUrl = `${shop.url}/back`) {
  const session = await emulator.begin({ return_url: returnUrl });
  await page.goto(`${session.link}?lang=en`);
  return session;
}

// Waits for what the page says of the camera.
async function says(frame, words) {
  await frame.locator('#camera-status').filter({ hasText: words }).waitFor();
}
