// The camera, which is optional, and frames, which can deny the page access to it.

import assert from 'node:assert/strict';
import { after } from 'node:test';
import { NO_CAMERA, launch, scenarioIn, stateOf, world } from './support.mjs';

const { emulator, shop, scenario } = await world();

const without = await launch([NO_CAMERA]);
after(() => without.close());

const granted = { permissions: ['camera'] };

async function open(page) {
  const session = await emulator.begin({ return_url: `${shop.url}/back` });
  await page.goto(session.link);
  return session;
}

// In a page of another site.
async function frame(page, allow, query = '') {
  const session = await emulator.begin({ return_url: 'iframe' });
  await page.goto(`${shop.elsewhere}/frame?allow=${allow}&src=${encodeURIComponent(session.link + query)}`);
  const inner = page.frames()[1];
  await inner.waitForSelector('main[data-state=open]');
  return { ...session, inner };
}

// Waits for what the page says of the camera.
function says(frame, words) {
  return frame.locator('#camera-status[role=status]').filter({ hasText: words }).waitFor();
}

async function goOnWithout(page, id) {
  await page.check('#consent');
  await page.click('#submit');
  await page.waitForURL(`${shop.url}/**`);
  assert.equal((await emulator.session(id)).state, 'finished');
}

scenario('the preview plays, and stops', granted, async ({ page }) => {
  await open(page);
  await page.click('#camera-start');
  await says(page, 'The camera is on');
  await page.waitForFunction(() => document.getElementById('preview').videoWidth > 0);
  assert.ok(await page.isVisible('#preview'));
  assert.equal(await page.evaluate(() => document.activeElement.id), 'camera-stop');
  const track = await page.evaluateHandle(() => document.getElementById('preview').srcObject.getTracks()[0]);
  await page.click('#camera-stop');
  await says(page, 'The camera is off');
  assert.equal(await track.evaluate((track) => track.readyState), 'ended');
  assert.ok(await page.isHidden('#preview'));
});

scenario('nothing of the picture leaves the page', granted, async ({ page }) => {
  const { certify_id: id } = await open(page);
  await page.click('#camera-start');
  await says(page, 'The camera is on');
  const sent = [];
  page.on('request', (request) => sent.push([request.method(), new URL(request.url()).pathname, request.postData()]));
  await goOnWithout(page, id);
  const [form, ...rest] = sent;
  assert.deepEqual([form[0], form[2]], ['POST', 'lang=en&sub_code=']);
  assert.ok(rest.every(([method, path]) => method === 'GET' && ['/back', '/favicon.ico'].includes(path)), String(sent));
});

scenario('denied, it says what to do, and one goes on without', {}, async ({ page }) => {
  const { certify_id: id } = await open(page);
  await page.click('#camera-start');
  await says(page, 'Camera access was denied');
  assert.ok(await page.isVisible('#camera-start') && await page.isHidden('#preview'));
  await goOnWithout(page, id);
});

scenarioIn(without)('where there is none, it says so', granted, async ({ page }) => {
  const { certify_id: id } = await open(page);
  await page.click('#camera-start');
  await says(page, 'No camera was found');
  await goOnWithout(page, id);
});

scenario('a frame without allow="camera" says what is missing; the result is posted once', granted, async ({ page }) => {
  const { certify_id: id, inner } = await frame(page, '', '?lang=en');
  await inner.click('#camera-start');
  await says(inner, 'allow="camera"');
  await inner.check('#consent');
  await inner.selectOption('#sub_code', '204');
  await inner.click('#submit');
  await inner.waitForSelector('main[data-state=done]');
  await page.waitForFunction(() => window.got.length > 0);
  const message = { code: 1000, subCode: 'Z5050', reason: 'success', extInfo: { certifyId: id } };
  assert.deepEqual(await page.evaluate(() => window.got), [{ data: message, origin: emulator.url }]);
  assert.equal((await emulator.session(id)).sub_code, '204');
  // The page around it stays where it is and does not ask the user to go back.
  assert.match(page.url(), /\/frame/);
  assert.deepEqual([await inner.isVisible('#message'), await inner.locator('#back').count()], [false, 0]);
});

scenario('with allow="camera" the preview plays; giving up is posted', granted, async ({ page }) => {
  const { certify_id: id, inner } = await frame(page, 'camera', '?lang=en');
  await inner.click('#camera-start');
  await says(inner, 'The camera is on');
  await inner.waitForFunction(() => document.getElementById('preview').videoWidth > 0);
  await inner.click('#cancel');
  await page.waitForFunction(() => window.got.length > 0);
  const [{ data }] = await page.evaluate(() => window.got);
  assert.deepEqual([data.code, data.subCode, data.extInfo], [1003, 'Z1008', { certifyId: id }]);
});

scenario('opened outside of a frame, it says that nobody got the message', {}, async ({ page }) => {
  const { certify_id: id, link } = await emulator.begin({ return_url: 'iframe' });
  await emulator.api('POST', `/sessions/${id}/submit`, {});
  await page.goto(link);
  assert.equal(await stateOf(page), 'done');
  assert.ok(await page.isVisible('#message'));
});
