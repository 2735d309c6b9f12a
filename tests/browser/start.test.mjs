// The start page of the flow, from a server that knows its customer to the emulator's page.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { after } from 'node:test';
import { launch, scenarioIn, startProgram } from './support.mjs';

const [server, browser] = await Promise.all([startServer(), launch([])]);
after(() => Promise.all([server.stop(), browser.close()]));
const scenario = scenarioIn(browser);

// The example `start_page`, and the addresses that it prints.
async function startServer() {
  const { line, stop } = await startProgram('START_PAGE', []);
  const [url, emulator] = line.match(/http:[^\s,]+/g);
  return { url, script: new URL('/jsvm_all.js', emulator).href, stop };
}

const isStart = (url) => url.pathname.startsWith('/start/');
const isLink = (url) => url.pathname.startsWith('/h5/');

scenario('the browser brings its MetaInfo and goes on to the link', {}, async ({ page }) => {
  const sent = page.waitForRequest((request) => request.method() === 'POST' && isStart(new URL(request.url())));
  await page.goto(server.url);
  await page.waitForURL(isLink);
  const form = new URLSearchParams((await sent).postData());
  assert.deepEqual([...form.keys()], ['meta_info']);
  assert.equal(JSON.parse(form.get('meta_info')).zimVer, '3.0.0');
  // Neither page learns the address that the browser came from.
  assert.equal(await page.evaluate(() => document.referrer), '');
  await page.check('#consent');
  await page.click('#submit');
  await page.waitForURL((url) => url.pathname.startsWith('/back/'));
  assert.match(await page.textContent('body'), /^Thank you\./);
});

scenario('two tabs and a reload come to the same link', {}, async ({ page, context }) => {
  const first = page.waitForRequest((request) => isStart(new URL(request.url())));
  await page.goto(server.url);
  const address = (await first).url();
  await page.waitForURL(isLink);
  const other = await context.newPage();
  await other.goto(address);
  await other.waitForURL(isLink);
  assert.equal(other.url(), page.url());
});

for (const [language, words] of [['en-US', /Try again/], ['zh-CN', /重试/]]) {
  const options = { locale: language, viewport: { width: 360, height: 640 }, expected: /jsvm_all/ };
  scenario(`a page whose script cannot be loaded says what to do (${language})`, options, async ({ page }) => {
    await page.route(server.script, (route) => route.abort());
    await page.goto(server.url);
    await page.waitForSelector('#failed', { state: 'visible' });
    assert.ok(await page.isHidden('#wait'));
    assert.match(await page.textContent('#failed'), words);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing is cut off');
    if (process.env.SHOTS) {
      await mkdir(process.env.SHOTS, { recursive: true });
      await page.screenshot({ path: `${process.env.SHOTS}/start-${language}.png` });
    }
    await page.unroute(server.script);
    await page.click('#failed a');
    await page.waitForURL(isLink);
  });
}

scenario('an address that nobody gave out is refused', { expected: /status of 404/ }, async ({ page }) => {
  const answer = await page.goto(`${server.url}/start/${'0'.repeat(64)}`);
  assert.equal(answer.status(), 404);
  assert.equal(await page.textContent('h1'), 'This address is not valid');
});
