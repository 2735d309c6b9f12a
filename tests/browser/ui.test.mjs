// The inspection page: it shows what happens as it happens, and what is done on it is done to the emulator.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after } from 'node:test';
import { callSigned, encode, idNumber, openUi, shows, startEmulator, startFailing, world } from './support.mjs';

const [{ emulator, shop, scenario: inWorld }, failing] = await Promise.all([world([]), startFailing()]);
after(failing.stop);

// Each begins with an emulator as it is at its start, whose ids come again: who is called back has a token of its own.
const scenario = (name, options, body) => inWorld(name, options, async (given) => {
  await emulator.api('POST', '/reset');
  await body(given);
});

const open = (page) => openUi(page, emulator);
const rowOf = (page, table, id) => page.locator(`#${table} tr[data-id="${id}"]`);
const cell = (row, name) => row.locator(`[data-f=${name}]`);
const rowsOf = (page, table) => page.locator(`#${table} tr`);
const patched = (page) => page.waitForResponse((answer) => answer.request().method() === 'PATCH');
const focused = (page) => page.evaluate(() => document.activeElement.id || document.activeElement.dataset.do);

// Holds the answers to the page's requests for the sessions, until they are released.
async function heldSessions(page) {
  let release;
  const released = new Promise((done) => { release = done; });
  await page.route('**/_emu/v1/sessions', async (route) => {
    if (route.request().method() === 'GET') await released;
    await route.continue();
  });
  return { asked: page.waitForRequest('**/_emu/v1/sessions'), release };
}

const clock = () => emulator.api('GET', '/clock');
const begun = async () => (await emulator.api('GET', '/sessions')).sessions;
const callbacks = async () => (await emulator.api('GET', '/callbacks')).callbacks;
const journal = async () => (await emulator.api('GET', '/journal')).entries;
const faults = async () => (await emulator.api('GET', '/faults')).faults;
const passed = (id) => emulator.api('POST', `/sessions/${id}/submit`, {});

// A session that is called back, and what came to the shop for it, told by the token.
const calledBack = (token, wanted) => emulator.begin({ callback_url: `${shop.url}/callback`, callback_token: token, ...wanted });
function told(id, token) {
  const ofToken = shop.callbacks(id).filter((callback) => callback.callbackToken.startsWith(token));
  return ofToken.map(({ callbackToken, passed }) => `${callbackToken} ${passed}`);
}

scenario('it says what to do while there is nothing', {}, async ({ page }) => {
  await open(page);
  for (const [table, words] of [['sessions', 'InitFaceVerify'], ['journal', 'endpoint'], ['callbacks', 'CallbackUrl'], ['faults', 'Add one']]) {
    await shows(page.locator(`#${table}-empty`), words);
    assert.ok(await page.isHidden(`#${table}`), table);
  }
  const { endpoint, access_key_id: key, version } = await emulator.api('GET', '/info');
  for (const fact of [endpoint, key, version]) await shows(page.locator('#info'), fact);
  await page.click('#sessions-empty button');
  await rowsOf(page, 'sessions').waitFor();
  assert.deepEqual((await begun()).map(({ state }) => state), ['open']);
});

scenario('what happens elsewhere appears by itself, and two tabs agree', {}, async ({ page, context }) => {
  const other = await context.newPage();
  const tabs = [page, other];
  for (const tab of tabs) {
    await open(tab);
    await tab.evaluate(() => { window.notReloaded = true; });
  }
  const { certify_id: id } = await emulator.begin({ outer_order_no: 'live1', id_number: idNumber('19900101', 205) });
  for (const tab of tabs) {
    await shows(cell(rowOf(tab, 'sessions', id), 'state'), 'open');
    assert.match(await rowOf(tab, 'sessions', id).innerText(), /live1[^]*SubCode 205/);
  }
  await passed(id);
  await emulator.describe(id);
  for (const tab of tabs) {
    await shows(cell(rowOf(tab, 'sessions', id), 'state'), 'finished');
    await shows(cell(rowOf(tab, 'sessions', id), 'result'), '205');
    await shows(cell(rowOf(tab, 'sessions', id), 'queried'), 'queried');
    await shows(rowsOf(tab, 'journal').first(), 'DescribeFaceVerify');
  }
  const { certify_id: next } = await emulator.begin({});
  await cell(rowOf(other, 'sessions', next), 'cancel').click();
  for (const tab of tabs) await shows(cell(rowOf(tab, 'sessions', next), 'state'), 'cancelled');
  assert.equal((await emulator.session(next)).state, 'given_up');
  const texts = await Promise.all(tabs.map((tab) => tab.innerText('#sessions')));
  assert.equal(texts[0], texts[1]);
  for (const tab of tabs) assert.ok(await tab.evaluate(() => window.notReloaded));
});

scenario('a session is begun as the form says, and once', { expected: /400.*\/_emu\/v1\/sessions\)/ }, async ({ page }) => {
  await open(page);
  // A double click, faster than any answer.
  await page.locator('#new-session').evaluate((button) => [1, 2].forEach(() => button.click()));
  await rowsOf(page, 'sessions').waitFor();
  await page.click('text=New session with');
  const form = page.locator('form[data-form=new-session]');
  const called = `${shop.url}/callback`;
  const wanted = { outer_order_no: 'form1', id_number: idNumber('19900101', 204), return_url: 'iframe', callback_url: called };
  for (const [name, value] of Object.entries(wanted)) await form.locator(`[name=${name}]`).fill(value);
  await page.keyboard.press('Enter');
  await shows(rowsOf(page, 'sessions'), 'form1');
  const [made, ...before] = await begun();
  assert.deepEqual(before.map((session) => session.asks_for), ['']);
  assert.deepEqual([made.outer_order_no, made.asks_for, made.return_to, made.callback_to], ['form1', 'SubCode 204', 'iframe', called]);
  // The form reports what the emulator refuses, and the message stays until it is closed.
  await form.locator('[name=id_number]').fill('110101199003070003');
  await page.keyboard.press('Enter');
  await shows(page.locator('#notice.wrong'), /area 999999.*magic/);
  assert.equal((await begun()).length, 2);
  await page.click('#notice button');
  await page.waitForSelector('#notice', { state: 'hidden' });
});

scenario('a session is finished with the result that is chosen', {}, async ({ page }) => {
  const { certify_id: id } = await calledBack('finish');
  const { certify_id: other } = await emulator.begin({});
  await open(page);
  const row = rowOf(page, 'sessions', id);
  await cell(row, 'sub_code').selectOption('204');
  await cell(row, 'score').fill('42.5');
  // What is half chosen stays when others change.
  await cell(rowOf(page, 'sessions', other), 'finish').click();
  await shows(cell(rowOf(page, 'sessions', other), 'result'), /^200/);
  // The answer to the finish comes while the page waits for an older one, and the row changes later.
  const older = await heldSessions(page);
  await emulator.begin({});
  await older.asked;
  const submitted = page.waitForResponse(/submit$/);
  await cell(row, 'finish').press('Enter');
  await submitted;
  older.release();
  await shows(cell(row, 'result'), '204 · 42.5');
  const { state, sub_code: code, verify_score: score } = await emulator.session(id);
  assert.deepEqual([state, code, score], ['finished', '204', 42.5]);
  await emulator.advance(0);
  assert.deepEqual(told(id, 'finish'), ['finish 204']);
  // The button has gone, and the focus is where it was.
  assert.ok(await cell(row, 'finish').isHidden());
  assert.equal(await page.evaluate(() => document.activeElement.dataset.id), id);
});

scenario('a forced result stands, whatever the person does, until it is lifted', {}, async ({ page }) => {
  const { certify_id: id } = await emulator.begin({});
  const { certify_id: lifted } = await emulator.begin({});
  await open(page);
  await cell(rowOf(page, 'sessions', id), 'force').click();
  await shows(page.locator('#notice.wrong'), 'First choose the SubCode');
  assert.equal((await emulator.session(id)).forced, null);
  for (const each of [id, lifted]) {
    const row = rowOf(page, 'sessions', each);
    await cell(row, 'sub_code').selectOption('205');
    await cell(row, 'force').click();
    await shows(cell(row, 'forced'), 'forced 205');
    assert.equal((await emulator.session(each)).forced.sub_code, '205');
  }
  await cell(rowOf(page, 'sessions', lifted), 'lift').click();
  await cell(rowOf(page, 'sessions', lifted), 'forced').waitFor({ state: 'hidden' });
  for (const each of [id, lifted]) await passed(each);
  const codes = await Promise.all([id, lifted].map(async (each) => (await emulator.session(each)).sub_code));
  assert.deepEqual(codes, ['205', '200']);
});

scenario('the clock is stopped, advanced, set, and runs as fast as one likes', {}, async ({ page }) => {
  const { certify_id: id } = await emulator.begin({});
  await open(page);
  await page.click('#clock-freeze');
  await shows(page.locator('#clock-state'), 'frozen');
  const { now, rate } = await clock();
  assert.equal(rate, 0);
  await page.click('#advance-1800');
  await shows(cell(rowOf(page, 'sessions', id), 'state'), 'expired');
  assert.equal((await emulator.session(id)).state, 'expired');
  const later = (await clock()).now;
  assert.equal(Date.parse(later) - Date.parse(now), 1800e3);
  await shows(page.locator('#clock-now'), later.replace('T', ' ').replace('Z', ''));

  await page.fill('#clock-set', '2027-01-01T00:00:00');
  await page.keyboard.press('Enter');
  await shows(page.locator('#clock-now'), '2027-01-01 00:00:00');
  await shows(page.locator('#clock-shanghai'), '2027-01-01 08:00:00');
  assert.equal((await clock()).now, '2027-01-01T00:00:00Z');

  await page.fill('#clock-rate', '60');
  await page.keyboard.press('Enter');
  await shows(page.locator('#clock-state'), 'running ×60');
  assert.equal((await clock()).rate, 60);
  // The clock advances automatically.
  await page.waitForFunction(() => document.getElementById('clock-now').textContent > '2027-01-01 00:00:29');
  await page.click('#clock-run');
  await shows(page.locator('#clock-state'), /^running$/);
  assert.equal((await clock()).rate, 1);
});

scenario('a link that dies of old age is shown to have expired', {}, async ({ page }) => {
  const { certify_id: id } = await emulator.begin({});
  await open(page);
  await shows(cell(rowOf(page, 'sessions', id), 'state'), 'open');
  await emulator.api('PATCH', '/clock', { rate: 1800 });
  await shows(cell(rowOf(page, 'sessions', id), 'state'), 'expired');
  assert.equal((await emulator.session(id)).state, 'expired');
});

scenario('callbacks are held, and let go one by one or all at once', {}, async ({ page }) => {
  const ids = [];
  for (const _ of [1, 2, 3]) ids.push((await calledBack('held')).certify_id);
  await open(page);
  await Promise.all([patched(page), page.check('#hold')]);
  assert.equal((await emulator.api('GET', '/callbacks')).hold, true);
  for (const id of ids) await passed(id);
  for (const number of [1, 2, 3]) await shows(cell(rowOf(page, 'callbacks', number), 'state'), 'held');
  await shows(page.locator('#n-callbacks'), '3');
  await emulator.advance(3600);
  const got = () => ids.map((id) => told(id, 'held'));
  assert.deepEqual(got(), [[], [], []]);

  await cell(rowOf(page, 'callbacks', 2), 'release').click();
  await shows(cell(rowOf(page, 'callbacks', 2), 'state'), 'delivered');
  await shows(cell(rowOf(page, 'callbacks', 2), 'attempts'), '→ 200');
  assert.deepEqual(got(), [[], ['held 200'], []]);

  await page.uncheck('#hold');
  for (const number of [1, 3]) await shows(cell(rowOf(page, 'callbacks', number), 'state'), 'delivered');
  await shows(page.locator('#n-callbacks'), '0');
  assert.deepEqual(got(), [['held 200'], ['held 200'], ['held 200']]);
});

scenario('the same callback comes again, and somebody else claims a pass', {}, async ({ page }) => {
  const { certify_id: id } = await calledBack('more', { id_number: idNumber('19900101', 204) });
  await passed(id);
  await emulator.advance(0);
  await open(page);
  const delivered = async (number, kind) => {
    await shows(cell(rowOf(page, 'callbacks', number), 'kind'), kind);
    await shows(cell(rowOf(page, 'callbacks', number), 'state'), 'delivered');
  };
  await rowOf(page, 'callbacks', 1).locator('[data-do=again]').click();
  await delivered(2, 'duplicate');
  await rowOf(page, 'callbacks', 1).locator('[data-do=forge]').click();
  await delivered(3, 'forged');
  await page.click('text=Send another callback');
  const form = page.locator('form[data-form=callback]');
  await form.locator('[name=certify_id]').fill(id);
  await form.locator('[name=kind]').selectOption('wrong_token');
  await form.locator('[name=sub_code]').selectOption('210');
  await form.locator('button').click();
  await delivered(4, 'wrong token');
  assert.deepEqual(told(id, 'more'), ['more 204', 'more 204', 'morex 200', 'morex 210']);
  // What is claimed changes nothing.
  assert.equal((await emulator.session(id)).sub_code, '204');
});

scenario('a callback that fails is made twice, and both attempts are shown', {}, async ({ page }) => {
  const { certify_id: id } = await emulator.begin({ callback_url: failing.url });
  await open(page);
  await passed(id);
  await emulator.advance(60);
  const row = rowOf(page, 'callbacks', 1);
  await shows(cell(row, 'state'), 'failed');
  const [{ attempts }] = await callbacks();
  assert.deepEqual(attempts.map(({ status }) => status), [500, 500]);
  const shown = attempts.map(({ at, status }) => `${at.slice(11, 19)} → ${status}`);
  assert.deepEqual(await cell(row, 'attempts').locator('li').allTextContents(), shown);
});

scenario('a fault is added, meets its calls, and is cleared', {}, async ({ page }) => {
  const { certify_id: id } = await emulator.begin({});
  await open(page);
  const form = page.locator('#fault-form');
  const add = async (kind, words) => {
    await form.locator('[name=kind]').selectOption(kind);
    await form.locator('button').click();
    await shows(rowsOf(page, 'faults').last(), words);
  };
  await form.locator('[name=action]').selectOption('DescribeFaceVerify');
  await form.locator('[name=times]').fill('1');
  await add('status', 'HTTP status 503');
  assert.ok(await page.isVisible('#fault-one') && await page.isHidden('#fault-two'));
  await form.locator('[name=times]').fill('');
  await add('reset', 'reset after acting');
  assert.ok(await page.isHidden('#fault-one'));
  await form.locator('[name=action]').selectOption('InitFaceVerify');
  await add('latency.log_normal', 'latency, log-normal 300 ms, σ 0.5');
  await shows(page.locator('#n-faults'), '3');
  assert.deepEqual((await faults()).map(({ fault, action, times }) => [fault, action, times]), [
    [{ status: 503 }, 'DescribeFaceVerify', 1],
    ['reset', 'DescribeFaceVerify', undefined],
    [{ latency: { log_normal: { median: 300, sigma: 0.5 } } }, 'InitFaceVerify', undefined],
  ]);

  assert.equal((await emulator.describe(id)).Code, 'ServiceUnavailable');
  await shows(cell(rowsOf(page, 'journal').first(), 'fault'), 'HTTP status 503');
  // It was to come once.
  await shows(page.locator('#n-faults'), '2');
  await assert.rejects(emulator.describe(id));
  await shows(cell(rowsOf(page, 'journal').first(), 'fault'), 'reset after acting');
  assert.deepEqual((await journal()).map(({ fault }) => fault), ['reset', { status: 503 }]);

  await page.click('#clear-faults');
  await page.waitForSelector('#faults-empty');
  assert.deepEqual(await faults(), []);
  assert.equal((await emulator.describe(id)).Code, '424');
});

scenario('why a signature was refused: both strings, and where they differ', {}, async ({ page }) => {
  await open(page);
  // The digits of what is escaped are in lower case.
  const lower = (text) => text.replace(/%25../g, (escaped) => escaped.toLowerCase());
  const { Code, right, wrong } = await callSigned(emulator, 'DescribeFaceVerify', { SceneId: '1000000006', CertifyId: 'c1' }, lower);
  assert.equal(Code, 'SignatureDoesNotMatch');
  const [{ number, refused, hint: early }] = await journal();
  assert.equal(early, null, 'nothing is explained before somebody asks');
  assert.ok(refused && wrong !== right);
  const why = rowOf(page, 'journal', number).locator('[data-do=why]');
  await why.focus();
  await page.keyboard.press('Enter');
  const dialog = page.locator('#why');
  await shows(cell(dialog, 'hint'), 'the hexadecimal digits of %XX are lower case; they must be upper case');
  await shows(cell(dialog, 'where'), 'Parameter: Timestamp.');
  assert.equal(await cell(dialog, 'server').textContent(), right);
  assert.equal(await cell(dialog, 'candidate').textContent(), wrong);
  const { first_difference: at } = await emulator.api('GET', `/journal/${number}/explain`);
  const marks = await dialog.locator('mark').allTextContents();
  assert.deepEqual(marks, [right, wrong].map((text) => text.slice(at, text.indexOf('%26', at))));

  for (const [own, words] of [[wrong, `byte ${at}`], [right, 'The strings are equal']]) {
    await page.fill('#why-own', own);
    await page.click('#compare');
    await shows(page.locator('#why-answer'), words);
  }
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  assert.equal(await why.evaluate((button) => button === document.activeElement), true);
});

scenario('the journal shows what is looked for, and explains what it can', {}, async ({ page }) => {
  const { certify_id: id } = await emulator.begin({ outer_order_no: 'filter1' });
  await emulator.describe(id);
  await passed(id);
  await emulator.call('DescribeFaceVerify', { SceneId: '1000000006', CertifyId: id }, 'bm9uc2Vuc2U=');
  await open(page);
  await shows(page.locator('#n-refused'), '1');
  const visible = () => page.locator('#journal tr:visible').evaluateAll((rows) => rows.map((row) => Number(row.dataset.id)));
  const numbers = (entries) => entries.map(({ number }) => number);
  const all = await journal();
  for (const [show, found] of [['refused', 1], ['call', 2], ['admin', 1], ['', 3]]) {
    await page.selectOption('#journal-show', show);
    const fits = all.filter((entry) => !show || (show === 'refused' ? entry.refused : entry.what === show));
    assert.equal(fits.length, found, show);
    assert.deepEqual(await visible(), numbers(fits));
  }
  await page.fill('#journal-filter', 'describe signaturedoes');
  assert.deepEqual(await visible(), numbers(all.filter((entry) => entry.refused)));
  await page.fill('#journal-filter', 'nothing is called so');
  assert.deepEqual([await visible(), await page.isVisible('#journal-none')], [[], true]);

  // No mistake explains this signature; the right string is shown all the same.
  await page.fill('#journal-filter', '');
  await page.locator('#journal [data-do=why]:visible').click();
  await shows(page.locator('#why [data-f=hint]'), 'no common mistake');
  await shows(page.locator('#why [data-f=server]'), 'GET&%2F&');
  assert.ok(await page.isHidden('#why [data-f=candidate]') && await page.locator('#why mark').count() === 0);
});

scenario('a reset asks first, and leaves nothing', {}, async ({ page }) => {
  const { now_millis: start } = await clock();
  const { certify_id: id } = await calledBack('reset');
  await passed(id);
  await emulator.api('POST', '/faults', { fault: 'empty', action: 'InitFaceVerify' });
  await emulator.advance(86_400);
  await open(page);
  const filled = ['sessions', 'journal', 'callbacks', 'faults'];
  for (const table of filled) await rowsOf(page, table).first().waitFor();
  await page.click('#reset');
  // Who presses Enter keeps it.
  assert.equal(await focused(page), 'reset-no');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#ask-reset', { state: 'hidden' });
  assert.equal(await focused(page), 'reset');
  assert.equal((await begun()).length, 1);
  await page.click('#reset');
  await page.click('#reset-yes');
  await shows(page.locator('#notice'), 'Reset.');
  for (const table of filled) await page.waitForSelector(`#${table}-empty`);
  assert.deepEqual(await Promise.all([begun(), journal(), callbacks(), faults()]), [[], [], [], []]);
  assert.ok((await clock()).now_millis - start < 3600e3);
});

scenario('a snapshot is kept in a file, and brings everything back', { expected: /400.*\/_emu\/v1\/snapshot\)/ }, async ({ page }) => {
  const { certify_id: id } = await emulator.begin({ outer_order_no: 'kept1' });
  await emulator.api('POST', `/sessions/${id}/submit`, { sub_code: '206' });
  await emulator.api('POST', '/faults', { fault: 'empty', times: 3 });
  await open(page);
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#snapshot')]);
  const snapshot = await readFile(await download.path());
  await emulator.api('POST', '/reset');
  await page.waitForSelector('#sessions-empty');

  const restore = async (text) => {
    await page.setInputFiles('#snapshot-file', { name: 'snapshot.json', mimeType: 'application/json', buffer: Buffer.from(text) });
    await page.click('#restore');
  };
  await restore('{"no": "snapshot"}');
  await shows(page.locator('#notice.wrong'), 'the state is unchanged');
  assert.deepEqual(await begun(), []);
  await restore(snapshot);
  await shows(rowOf(page, 'sessions', id), 'kept1');
  await shows(rowsOf(page, 'faults'), 'empty body');
  assert.deepEqual([(await emulator.session(id)).sub_code, (await faults())[0].times], ['206', 3]);
});

scenario("the page never shows a name or an ID number, whether the call succeeds or fails", {}, async ({ page }) => {
  const number = idNumber('19850505', 321);
  const wanted = {
    SceneId: '1000000006',
    OuterOrderNo: 'private1',
    ProductCode: 'ID_PRO',
    CertType: 'IDENTITY_CARD',
    CertName: '张三',
    CertNo: number,
    ReturnUrl: `${shop.url}/back`,
    MetaInfo: '{"zimVer":"3.0.0","appVersion":"1","deviceType":"h5"}',
    Model: 'LIVENESS',
  };
  const { ResultObject: { CertifyId: id } } = await emulator.call('InitFaceVerify', wanted);
  const refused = await callSigned(emulator, 'InitFaceVerify', { ...wanted, OuterOrderNo: 'private2' }, (right) => right.replace('GET', 'POST'));
  assert.equal(refused.Code, 'SignatureDoesNotMatch');
  await passed(id);
  await open(page);
  await shows(rowOf(page, 'sessions', id), 'private1');
  await page.locator('#journal [data-do=why]:visible').click();
  await shows(page.locator('#why [data-f=candidate]'), /CertNo%3D(%2A){3}/);

  const told = [await page.content(), await page.innerText('body')];
  for (const path of ['/journal', '/journal/2/explain', '/sessions', '/snapshot']) told.push(JSON.stringify(await emulator.api('GET', path)));
  assert.match(told[0], /private1/);
  // As they are, and as they are escaped, once or twice.
  const secrets = ['张三', encode('张三'), encode(encode('张三')), number];
  for (const text of told) assert.deepEqual(secrets.filter((secret) => text.includes(secret)), []);
});

scenario('in the language and the theme that one prefers', {}, async ({ page }) => {
  const { certify_id: id } = await emulator.begin({});
  await open(page);
  await page.click('nav a[lang=zh-CN]');
  await page.waitForSelector('html[lang=zh-CN]');
  const row = rowOf(page, 'sessions', id);
  await shows(cell(row, 'state'), '待认证');
  assert.equal(await page.title(), '模拟器控制台 · cloudauth');
  await cell(row, 'finish').click();
  await shows(cell(row, 'state'), '已完成');
  await shows(cell(row, 'meaning'), /[\u4e00-\u9fff]/);
  const grounds = [];
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    grounds.push(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
  }
  assert.deepEqual(grounds, ['rgb(244, 246, 248)', 'rgb(15, 18, 22)']);
});

scenario('the keyboard alone reaches what there is and works it, and is seen', {}, async ({ page }) => {
  await open(page);
  const stops = [];
  const tabTo = async (wanted) => {
    for (let at = ''; at !== wanted;) {
      await page.keyboard.press('Tab');
      at = await focused(page);
      stops.push(at);
      assert.ok(stops.length < 60, stops.join(' '));
      // Within a field for times the browser has parts of its own.
      const outline = await page.evaluate(() => document.activeElement.matches(':focus') && getComputedStyle(document.activeElement).outline);
      assert.match(outline || 'solid 3px', /solid 3px/, at);
    }
  };
  await tabTo('advance-60');
  const { now_millis: before } = await clock();
  await page.keyboard.press('Enter');
  await shows(page.locator('#notice'), 'Clock:');
  assert.ok((await clock()).now_millis >= before + 60e3);
  await tabTo('new-session');
  await page.keyboard.press('Enter');
  await rowsOf(page, 'sessions').waitFor();
  await tabTo('expire');
  await page.keyboard.press('Space');
  await shows(rowsOf(page, 'sessions').locator('[data-f=state]'), 'expired');
  assert.deepEqual((await begun()).map(({ state }) => state), ['expired']);
  await tabTo('hold');
  await Promise.all([patched(page), page.keyboard.press('Space')]);
  assert.equal((await emulator.api('GET', '/callbacks')).hold, true);
  await tabTo('reset');
});

const GONE = /ERR_(CONNECTION_(REFUSED|RESET)|INCOMPLETE_CHUNKED_ENCODING|EMPTY_RESPONSE).*\/_emu\/v1\//;

inWorld('when the emulator goes it says so, and when it is back it follows the new one', { expected: GONE }, async ({ page }) => {
  // Below the ephemeral port range, so that no other process takes it meanwhile.
  const port = String(20_000 + process.pid % 10_000);
  const running = [await startEmulator('--port', port)];
  try {
    await running[0].begin({ outer_order_no: 'first1' });
    await openUi(page, running[0]);
    await shows(rowsOf(page, 'sessions'), 'first1');
    await running[0].stop();
    await shows(page.locator('#live.bad'), 'not connected');
    await page.click('#new-session');
    await shows(page.locator('#notice.wrong'), 'Cannot reach the emulator');
    running.push(await startEmulator('--port', port, '--seed', '7'));
    await shows(page.locator('#live.ok'), /^connected$/);
    await page.waitForSelector('#sessions-empty');
    await page.waitForSelector('#notice', { state: 'hidden' });
    await shows(page.locator('#info [data-f=seed]'), /^7$/);
    await running[1].begin({ outer_order_no: 'second1' });
    await shows(rowsOf(page, 'sessions'), 'second1');
  } finally {
    for (const each of running) await each.stop();
  }
});
