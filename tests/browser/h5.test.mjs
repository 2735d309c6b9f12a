// The end user's page: its choices and their outcomes.

import assert from 'node:assert/strict';
import { broughtBack, idNumber, stateOf, world } from './support.mjs';

const { emulator, shop, scenario } = await world();

const back = `${shop.url}/back?order=7`;
const atShop = (page) => page.waitForURL(`${shop.url}/**`);

async function open(page, wanted, query = '') {
  const session = await emulator.begin({ return_url: back, ...wanted });
  await page.goto(session.link + query);
  return session;
}

async function submit(page) {
  await page.check('#consent');
  await page.click('#submit');
  await atShop(page);
}

scenario('a pass: the browser comes back, the callback comes, the service says so', {}, async ({ page }) => {
  const { certify_id: id } = await open(page, { callback_url: `${shop.url}/callback`, callback_token: 'secret1' });
  assert.equal(await page.locator('#sub_code option').first().textContent(), 'Pass');
  await submit(page);
  assert.deepEqual(broughtBack(page), { code: 1000, subCode: 'Z5050', reason: 'success', extInfo: { certifyId: id } });
  await emulator.advance(0);
  assert.deepEqual(shop.callbacks(id), [{ callbackToken: 'secret1', certifyId: id, passed: '200' }]);
  const { Code, ResultObject } = await emulator.describe(id);
  assert.deepEqual([Code, ResultObject.Passed, ResultObject.SubCode], ['200', 'T', '200']);
});

scenario('nothing is sent without consent', {}, async ({ page }) => {
  const { certify_id: id } = await open(page);
  await page.click('#submit');
  assert.equal(await page.locator('#consent:invalid:focus').count(), 1);
  assert.deepEqual([await stateOf(page), await emulator.acts(id)], ['open', []]);
});

scenario('what the identity asks for stands on the page and is what comes out', {}, async ({ page }) => {
  const { certify_id: id } = await open(page, { id_number: idNumber('19900101', 204) });
  assert.equal(await page.locator('#sub_code option').first().textContent(), 'By the ID number: SubCode 204');
  await submit(page);
  assert.equal((await emulator.describe(id)).ResultObject.SubCode, '204');
});

scenario('every SubCode on the page is what the service tells', {}, async ({ page }) => {
  await open(page);
  const codes = await page.locator('#sub_code option').evaluateAll((options) => options.map((option) => option.value));
  assert.equal(codes.length, 14);
  for (const code of ['201', '202', '203', '204', '205', '206', '210']) assert.ok(codes.includes(code), code);
  for (const code of codes.slice(1)) {
    const { certify_id: id } = await open(page);
    await page.selectOption('#sub_code', code);
    await submit(page);
    // The browser does not know whether anybody passed.
    assert.equal(broughtBack(page).code, 1000);
    const { Passed, SubCode } = (await emulator.describe(id)).ResultObject;
    assert.deepEqual([SubCode, Passed], [code, ['200', '210'].includes(code) ? 'T' : 'F']);
  }
});

scenario('the score is sent where it was chosen', {}, async ({ page }) => {
  const { certify_id: id } = await open(page);
  assert.ok(await page.isDisabled('#verify_score'));
  await page.check('#choose-score');
  await page.fill('#verify_score', '42.5');
  assert.equal(await page.textContent('#score-shown'), '42.5');
  await submit(page);
  const { sub_code: code, verify_score: score } = await emulator.session(id);
  assert.deepEqual([code, score], ['204', 42.5]);

  const { certify_id: other } = await open(page);
  await page.check('#choose-score');
  await page.uncheck('#choose-score');
  await submit(page);
  assert.equal((await emulator.session(other)).sub_code, '200');
});

scenario('giving up: the shop is told, and no callback comes', {}, async ({ page }) => {
  const { certify_id: id } = await open(page, { callback_url: `${shop.url}/callback` });
  // A user who gives up need not consent.
  await page.click('#cancel');
  await atShop(page);
  assert.deepEqual([broughtBack(page).code, broughtBack(page).subCode], [1003, 'Z1008']);
  await emulator.advance(60);
  assert.deepEqual(shop.callbacks(id), []);
  assert.equal((await emulator.describe(id)).Code, '424');
  await page.goto((await emulator.session(id)).link);
  assert.equal(await stateOf(page), 'used');
});

scenario('the link is let expire', {}, async ({ page }) => {
  const { certify_id: id } = await open(page);
  await page.click('#expire');
  await page.waitForSelector('main[data-state=expired]');
  assert.equal((await emulator.session(id)).state, 'expired');
  await page.click('#back');
  await page.waitForURL(back);
});

scenario('a tab that is closed leaves it open', {}, async ({ page, context }) => {
  const { certify_id: id, link } = await open(page, { callback_url: `${shop.url}/callback` });
  await page.check('#consent');
  await page.selectOption('#sub_code', '204');
  await page.close({ runBeforeUnload: true });
  await emulator.advance(60);
  assert.deepEqual(shop.callbacks(id), []);
  assert.equal((await emulator.describe(id)).Code, '424');
  const again = await context.newPage();
  await again.goto(link);
  assert.equal(await stateOf(again), 'open');
});

scenario('reloaded, it begins anew and can be submitted', {}, async ({ page }) => {
  const { certify_id: id } = await open(page);
  await page.check('#consent');
  await page.selectOption('#sub_code', '205');
  await page.reload();
  assert.deepEqual([await page.isChecked('#consent'), await page.inputValue('#sub_code')], [false, '']);
  await submit(page);
  assert.equal((await emulator.session(id)).sub_code, '200');
  // The shop's page, reloaded, submits nothing.
  await page.reload();
  assert.deepEqual(await emulator.acts(id), ['submit 303']);
});

scenario('back from the shop: it says that it is used, and leads on', {}, async ({ page }) => {
  const { certify_id: id } = await open(page);
  await submit(page);
  await page.goBack();
  assert.equal(await stateOf(page), 'used');
  await page.click('#back');
  await page.waitForURL(back);
  assert.deepEqual(await emulator.acts(id), ['submit 303']);
});

scenario('a double click submits once', {}, async ({ page }) => {
  const { certify_id: id } = await open(page);
  // The answer waits until both clicks are done.
  let clicked;
  const both = new Promise((resolve) => { clicked = resolve; });
  await page.route('**/submit', async (route) => {
    await both;
    await route.continue();
  });
  await page.check('#consent');
  await page.dblclick('#submit', { noWaitAfter: true });
  clicked();
  await atShop(page);
  assert.deepEqual(await emulator.acts(id), ['submit 303']);
});

scenario('of two tabs the second is told', {}, async ({ page, context }) => {
  const { certify_id: id, link } = await open(page);
  const other = await context.newPage();
  await other.goto(`${link}?lang=zh`);
  await submit(page);
  await other.check('#consent');
  await other.selectOption('#sub_code', '204');
  await other.click('#submit');
  await other.waitForSelector('main[data-state=used]');
  assert.equal((await emulator.session(id)).sub_code, '200');
  // The refusal answers a form; its links must not lead to where only forms go.
  assert.equal(await other.getAttribute('html', 'lang'), 'zh-CN');
  await other.click('nav a[lang=en]');
  await other.waitForSelector('html[lang=en] main[data-state=used]');
  await other.click('#back');
  await other.waitForURL(back);
});

scenario('after half an hour the link is dead, also for who has it open', {}, async ({ page, context }) => {
  const { certify_id: id, link } = await open(page);
  await emulator.advance(1800);
  const late = await context.newPage();
  assert.equal((await late.goto(link)).status(), 410);
  assert.equal(await stateOf(late), 'expired');
  await page.check('#consent');
  await page.click('#submit');
  await page.waitForSelector('main[data-state=expired]');
  assert.equal((await emulator.session(id)).state, 'expired');
});

scenario('a used link, an unknown one, a cut one', {}, async ({ page }) => {
  const { certify_id: id, link } = await emulator.begin({ return_url: back });
  await emulator.api('POST', `/sessions/${id}/submit`, {});
  assert.equal((await page.goto(link)).status(), 409);
  assert.equal(await stateOf(page), 'used');
  for (const unknown of [link.slice(0, -3), `${emulator.url}/s/unknown`]) {
    assert.equal((await page.goto(unknown)).status(), 404);
    assert.equal(await stateOf(page), 'unknown');
    assert.equal(await page.locator('#back').count(), 0);
  }
});

scenario('the short link leads to the same page', {}, async ({ page }) => {
  const { ResultObject } = await emulator.call('InitFaceVerify', {
    SceneId: '1000000006',
    OuterOrderNo: 'short1',
    ProductCode: 'ID_PRO',
    CertType: 'IDENTITY_CARD',
    CertName: '张三',
    CertNo: idNumber('19900101', 205),
    ReturnUrl: back,
    MetaInfo: '{"zimVer":"3.0.0","appVersion":"1","deviceType":"h5"}',
    Model: 'LIVENESS',
  });
  assert.match(ResultObject.CertifyUrl, /\/s\//);
  await page.goto(ResultObject.CertifyUrl);
  assert.equal(await stateOf(page), 'open');
  await submit(page);
  assert.equal((await emulator.session(ResultObject.CertifyId)).sub_code, '205');
});
