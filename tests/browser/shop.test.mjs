// The sample shop, from its start page to its decision.

import assert from 'node:assert/strict';
import { after } from 'node:test';
import { broughtBack, idNumber, launch, scenarioIn, startDemo, stateOf } from './support.mjs';

const [{ shop, emulator, stop }, browser] = await Promise.all([startDemo(), launch([])]);
after(() => Promise.all([stop(), browser.close()]));
const scenario = scenarioIn(browser);

// From the start page to the emulator's.
async function begin(page, number) {
  const script = page.waitForResponse(`${emulator.url}/jsvm_all.js`);
  await page.goto(shop);
  assert.equal((await script).status(), 200);
  if (number) await page.fill('[name=number]', number);
  const [sent] = await Promise.all([page.waitForRequest(`${shop}/verify?lang=en`), page.click('button')]);
  await page.waitForSelector('main[data-state=open]');
  return sent;
}

async function submit(page) {
  await page.check('#consent');
  await page.click('#submit');
  await page.waitForSelector('#decision');
  return page.textContent('#decision');
}

scenario('who passes is approved', {}, async ({ page }) => {
  const sent = await begin(page);
  // What the vendor's script says of the browser; and no name or number in an address.
  const { name, number, meta_info: meta } = Object.fromEntries(new URLSearchParams(sent.postData()));
  assert.deepEqual([name, number, JSON.parse(meta).zimVer], ['张三', '999999199001012003', '3.0.0']);
  assert.doesNotMatch(page.url(), /999999|%E5/);
  assert.match(await submit(page), /^approve: /);
  assert.match(await page.textContent('main'), /came back with code 1000/);
  // The callback came too, with the token of the order; the shop asked, and answered.
  await emulator.advance(0);
  const { callbacks: [callback] } = await emulator.api('GET', '/callbacks');
  assert.deepEqual([callback.state, callback.attempts.map(({ status }) => status)], ['delivered', [200]]);
  await page.click('text=Again');
  await page.waitForURL(`${shop}/?lang=en`);
});

scenario('who fails is not, though the browser comes back with the same code', {}, async ({ page }) => {
  await begin(page, idNumber('19900101', 204));
  assert.match(await submit(page), /^reject: /);
  assert.equal(broughtBack(page).code, 1000);
});

scenario('the result that is chosen on the page decides, and a low score is no approval', {}, async ({ page }) => {
  await begin(page);
  await page.selectOption('#sub_code', '205');
  assert.match(await submit(page), /^(review|reject): /);

  await begin(page);
  await page.check('#choose-score');
  await page.fill('#verify_score', '71.5');
  assert.match(await submit(page), /^review: /);
});

scenario('who gives up has no decision', {}, async ({ page }) => {
  await begin(page);
  await page.click('#cancel');
  await page.waitForSelector('#decision');
  assert.match(await page.textContent('#decision'), /^pending: /);
  assert.match(await page.textContent('main'), /came back with code 1003/);
});

scenario('an address that is made up decides nothing', {}, async ({ page }) => {
  await begin(page);
  const { sessions: [{ certify_id: id }] } = await emulator.api('GET', '/sessions');
  const { sessions } = await emulator.api('GET', '/snapshot');
  const { return_url: back } = sessions.find(({ certify_id: other }) => other === id);
  const link = page.url();
  const claim = encodeURIComponent(JSON.stringify({ code: 1000, subCode: 'Z5050', reason: 'success' }));
  await page.goto(`${back}?response=${claim}`);
  assert.match(await page.textContent('#decision'), /^pending: /);
  await page.goto(link);
  assert.equal(await stateOf(page), 'open');
});

scenario('a link that the emulator no longer knows leads nowhere else', {}, async ({ page }) => {
  await begin(page);
  await emulator.api('POST', '/reset');
  await page.reload();
  assert.equal(await stateOf(page), 'unknown');
});
