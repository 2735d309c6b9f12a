// Ways to the end of the page and back: addresses of all shapes, no script, no mouse, two languages.

import assert from 'node:assert/strict';
import { broughtBack, stateOf, world } from './support.mjs';

const { emulator, shop, scenario } = await world();

async function open(page, returnUrl, query = '') {
  const session = await emulator.begin({ return_url: returnUrl });
  await page.goto(session.link + query);
  return session;
}

// The address that the final page sees, without the response.
async function end(page, returnUrl) {
  const { certify_id: id } = await open(page, returnUrl);
  await page.check('#consent');
  await page.click('#submit');
  await page.waitForURL(`${shop.url}/**`);
  assert.deepEqual([broughtBack(page).code, broughtBack(page).extInfo.certifyId], [1000, id]);
  const seen = await page.evaluate(() => [location.pathname, location.search, location.hash]);
  return seen.map((part) => part.replace(/response=[^&#]*/, 'response=..'));
}

scenario('a ReturnUrl without anything', {}, async ({ page }) => {
  assert.deepEqual(await end(page, `${shop.url}/back`), ['/back', '?response=..', '']);
});

scenario('a ReturnUrl with a query and a fragment of its own', {}, async ({ page }) => {
  const seen = await end(page, `${shop.url}/back?order=7&x=a%20b%26c#part`);
  assert.deepEqual(seen, ['/back', '?order=7&x=a%20b%26c&response=..', '#part']);
});

scenario('a ReturnUrl whose route is in the fragment', {}, async ({ page }) => {
  assert.deepEqual(await end(page, `${shop.url}/app#/done`), ['/app', '', '#/done?response=..']);
  const seen = await end(page, `${shop.url}/app?v=2#!/done?order=7`);
  assert.deepEqual(seen, ['/app', '?v=2', '#!/done?order=7&response=..']);
});

scenario('without JavaScript the form does it all', { javaScriptEnabled: false }, async ({ page }) => {
  const { certify_id: id } = await open(page, `${shop.url}/back`, '?lang=en');
  assert.match(await page.textContent('noscript p'), /JavaScript is disabled/);
  for (const part of ['#camera', '#score']) assert.ok(await page.isHidden(part), part);
  await page.check('#consent');
  await page.selectOption('#sub_code', '206');
  await page.click('#submit');
  await page.waitForURL(`${shop.url}/**`);
  assert.equal((await emulator.session(id)).sub_code, '206');

  const { certify_id: other } = await open(page, `${shop.url}/back`);
  await page.click('#cancel');
  await page.waitForURL(`${shop.url}/**`);
  assert.equal((await emulator.session(other)).state, 'given_up');
});

scenario('and where the script is blocked', { expected: /ERR_BLOCKED_BY_CLIENT.*h5\.js/ }, async ({ page }) => {
  await page.route('**/h5.js', (route) => route.abort('blockedbyclient'));
  const { certify_id: id } = await open(page, `${shop.url}/back`);
  for (const part of ['#camera', '#score']) assert.ok(await page.isHidden(part), part);
  await page.check('#consent');
  await page.click('#submit');
  await page.waitForURL(`${shop.url}/**`);
  assert.equal((await emulator.session(id)).sub_code, '200');
});

scenario('the keyboard alone, and where it is can be seen', {}, async ({ page }) => {
  const { certify_id: id } = await open(page, `${shop.url}/back`);
  const passed = [];
  const tabTo = async (wanted) => {
    for (let at = ''; at !== wanted;) {
      await page.keyboard.press('Tab');
      at = await page.evaluate(() => document.activeElement.id || document.activeElement.lang);
      passed.push(at);
      assert.ok(passed.length < 20, passed.join(' '));
      const { outlineStyle, outlineWidth } = await page.evaluate(() => {
        const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
        return { outlineStyle, outlineWidth };
      });
      assert.ok(outlineStyle === 'solid' && parseFloat(outlineWidth) >= 2, `${at}: ${outlineStyle} ${outlineWidth}`);
    }
  };
  await tabTo('consent');
  await page.keyboard.press('Space');
  await tabTo('sub_code');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await tabTo('choose-score');
  await page.keyboard.press('Space');
  await tabTo('verify_score');
  await page.keyboard.press('ArrowRight');
  assert.equal(await page.textContent('#score-shown'), '80.1');
  await tabTo('submit');
  assert.deepEqual(passed, ['zh-CN', 'en', 'consent', 'camera-start', 'sub_code', 'choose-score', 'verify_score', 'submit']);
  const chosen = await page.inputValue('#sub_code');
  await page.keyboard.press('Enter');
  await page.waitForURL(`${shop.url}/**`);
  const { sub_code: code, verify_score: score } = await emulator.session(id);
  assert.deepEqual([code, score, code], [chosen, 80.1, '201']);
});

scenario('the language is the one that was chosen, through the form', {}, async ({ page }) => {
  await open(page, `${shop.url}/back`);
  assert.equal(await page.textContent('#submit'), 'Submit result');
  await page.click('nav a[lang=zh-CN]');
  await page.waitForSelector('html[lang=zh-CN]');
  assert.equal(await page.textContent('#submit'), '提交结果');
  await page.click('#expire');
  await page.waitForSelector('html[lang=zh-CN] main[data-state=expired]');
  assert.match(page.url(), /\?lang=zh$/);
});

scenario('and through a refusal, and in a frame', {}, async ({ page }) => {
  const { certify_id: id } = await open(page, `${shop.url}/back`, '?lang=zh');
  await emulator.api('POST', `/sessions/${id}/submit`, {});
  await page.check('#consent');
  await page.click('#submit');
  await page.waitForSelector('html[lang=zh-CN] main[data-state=used]');

  await open(page, 'iframe', '?lang=zh');
  await page.click('#cancel');
  await page.waitForSelector('html[lang=zh-CN] main[data-state=given_up]');
});

scenario('a browser that prefers Chinese gets it', { locale: 'zh-CN' }, async ({ page }) => {
  await open(page, `${shop.url}/back`);
  assert.equal(await page.title(), '实人认证（模拟器）');
  assert.equal(await page.getAttribute('html', 'lang'), 'zh-CN');
});

scenario('all that is transferred for the page is less than 30 KiB', {}, async ({ page }) => {
  const sizes = [];
  page.on('requestfinished', (request) => sizes.push(request.sizes()));
  await open(page, `${shop.url}/back`);
  await page.waitForLoadState('networkidle');
  const each = (await Promise.all(sizes)).map((size) => size.responseHeadersSize + size.responseBodySize);
  const all = each.reduce((sum, size) => sum + size, 0);
  assert.ok(each.length >= 4 && all > 8 << 10 && all < 30 << 10, `${all} bytes in ${each.length} answers`);
  assert.equal(await stateOf(page), 'open');
});
