// How every page looks in each of its states: in both languages, light and dark, wide and narrow. axe finds nothing that
// matters, nothing is wider than the window, and a picture of each is put where SHOTS says.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after } from 'node:test';
import axe from 'axe-core';
import { callSigned, hiddenColumns, idNumber, openUi, startDemo, startFailing, stateOf, world } from './support.mjs';

const { SHOTS } = process.env;
if (SHOTS) await mkdir(SHOTS, { recursive: true });

const [{ emulator, shop, scenario }, demo, failing] = await Promise.all([world([]), startDemo(), startFailing()]);
after(() => Promise.all([demo.stop(), failing.stop()]));

const THEMES = ['light', 'dark'];
const WIDTHS = [1280, 320];

// `show` brings a page into the state in a language, and gives what is to be looked at: the page, or a frame in it. Of a
// page with a dialog open that is the dialog.
function looks(name, langs, show, dialog) {
  // Without motion nothing is caught on its way from one colour to the next.
  scenario(`${name} looks right`, { reducedMotion: 'reduce' }, async ({ page }) => {
    const seen = [];
    for (const lang of langs) {
      const looked = await show(page, lang);
      await looked.evaluate(axe.source);
      for (const colorScheme of THEMES) {
        await page.emulateMedia({ colorScheme });
        for (const width of WIDTHS) {
          await resize(page, looked, width);
          const variant = `${name}-${lang}-${colorScheme}-${width}`;
          assert.deepEqual(await problems(looked, dialog), [], variant);
          seen.push(await isShown(looked));
          if (!SHOTS) continue;
          const picture = looked === page ? page : page.locator('iframe');
          await picture.screenshot({ path: join(SHOTS, `${variant}.png`), ...(looked === page && { fullPage: !dialog }) });
        }
      }
    }
    const wanted = langs.flatMap((lang) => THEMES.flatMap((theme) => WIDTHS.map((width) => `${lang} ${theme} ${width}`)));
    assert.deepEqual(seen, wanted);
  });
}

async function resize(page, looked, width) {
  if (looked !== page) await page.locator('iframe').evaluate((frame, width) => Object.assign(frame, { width, height: 800 }), width);
  await page.setViewportSize({ width: looked === page ? width : width + 40, height: 800 });
}

// What axe calls serious or critical, and whether there is something to scroll sideways for.
async function problems(looked, part = 'html') {
  const { violations, passes } = await looked.evaluate((part) => axe.run(part, { preload: false, resultTypes: ['violations'] }), part);
  assert.ok(passes.length > 10, `axe looked at little: ${passes.length}`);
  const grave = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
  const found = grave.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id} at ${target}: ${failureSummary}`));
  const [needed, there] = await looked.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  return needed > there ? [...found, `${needed} pixels wide`] : found;
}

// That it is the variant that it should be.
function isShown(looked) {
  return looked.evaluate(() => {
    const theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
    return `${document.documentElement.lang.slice(0, 2)} ${theme} ${innerWidth}`;
  });
}

// ---- The end user's page ----

const LANGS = ['zh', 'en'];
const id = idNumber('19900101', 205);

// `verb` is what happened to the link before.
function ofLink(state, verb, wanted = {}) {
  looks(`h5-${state}`, LANGS, async (page, lang) => {
    const session = await emulator.begin({ return_url: `${shop.url}/back`, ...wanted });
    if (verb) await emulator.api('POST', `/sessions/${session.certify_id}/${verb}`, {});
    await page.goto(`${session.link}?lang=${lang}`);
    assert.equal(await stateOf(page), state);
    return page;
  });
}

function framed(state, button) {
  looks(`h5-${state}`, LANGS, async (page, lang) => {
    const { link } = await emulator.begin({ return_url: 'iframe' });
    await page.goto(`${shop.elsewhere}/frame?src=${encodeURIComponent(`${link}?lang=${lang}`)}`);
    const [, inner] = page.frames();
    await inner.check('#consent');
    await inner.click(button);
    await inner.waitForSelector(`main[data-state=${state}]`);
    return inner;
  });
}

ofLink('open', '', { id_number: id });
ofLink('used', 'submit');
ofLink('expired', 'expire');
looks('h5-unknown', LANGS, async (page, lang) => {
  await page.goto(`${emulator.url}/h5/unknown?lang=${lang}`);
  assert.equal(await stateOf(page), 'unknown');
  return page;
});
framed('done', '#submit');
framed('given_up', '#cancel');

// The message without a camera, and all choices.
looks('h5-chosen', LANGS, async (page, lang) => {
  const { link } = await emulator.begin({});
  await page.goto(`${link}?lang=${lang}`);
  await page.click('#camera-start');
  await page.waitForSelector('#camera-status[data-told]');
  await page.check('#consent');
  await page.check('#choose-score');
  return page;
});

// ---- The inspection page ----

looks('ui-empty', LANGS, async (page, lang) => {
  await emulator.api('POST', '/reset');
  await openUi(page, emulator, lang);
  for (const table of ['sessions', 'journal', 'callbacks', 'faults']) await page.waitForSelector(`#${table}-empty`);
  return page;
});

// Something of every kind.
async function fill() {
  const { api, begin, call, describe } = emulator;
  const act = ({ certify_id: id }, verb, wish = {}) => api('POST', `/sessions/${id}/${verb}`, wish);
  await api('POST', '/reset');
  await api('PATCH', '/clock', { set: '2026-11-24T03:04:05Z', rate: 0 });
  const back = { return_url: 'https://shop.example/account/verified?order=7', callback_url: `${shop.url}/callback`, callback_token: 't' };
  const [old, passed, failed, deaf, gone, forced] = [
    await begin({ outer_order_no: 'old1' }),
    await begin({ outer_order_no: 'passed1', ...back }),
    await begin({ outer_order_no: 'failed1', ...back, id_number: id }),
    await begin({ outer_order_no: 'deaf1', ...back, callback_url: failing.url }),
    await begin({ outer_order_no: 'gone1', return_url: 'iframe' }),
    await begin({ outer_order_no: 'forced1', ...back }),
  ];
  for (const each of [passed, failed, deaf]) await act(each, 'submit', each === failed ? { sub_code: '205', verify_score: 61.5 } : {});
  await act(gone, 'cancel');
  await act(old, 'expire');
  await describe(passed.certify_id);
  await api('PATCH', '/clock', { advance_seconds: 60 });
  await api('POST', '/callbacks', { certify_id: failed.certify_id, kind: 'forged', sub_code: '200' });
  await api('PATCH', '/clock', { advance_seconds: 600 });
  await api('PATCH', '/callbacks', { hold: true });
  await api('POST', '/callbacks', { certify_id: passed.certify_id, kind: 'duplicate' });
  await api('PATCH', `/sessions/${forced.certify_id}`, { forced: { sub_code: '204', verify_score: 42 } });
  await api('POST', '/faults', { fault: { status: 503 }, action: 'DescribeFaceVerify', times: 1 });
  await describe(forced.certify_id);
  await api('POST', '/faults', { fault: { latency: { log_normal: { median: 300, sigma: 0.5 } } }, action: 'InitFaceVerify', probability: 0.1 });
  await api('POST', '/faults', { fault: 'reset', certify_id: gone.certify_id, times: 2 });
  const lower = (text) => text.replace(/%25../g, (escaped) => escaped.toLowerCase());
  await callSigned(emulator, 'DescribeFaceVerify', { SceneId: '1000000006', CertifyId: passed.certify_id }, lower);
  await call('DescribeFaceVerify', { SceneId: '1000000006', CertifyId: passed.certify_id, AccessKeyId: 'LTAIreal' });
  await begin({ outer_order_no: 'open1', ...back, id_number: idNumber('20000101', 699) });
}

async function full(page, lang) {
  await fill();
  await openUi(page, emulator, lang);
  for (const [table, least] of [['sessions', 7], ['journal', 8], ['callbacks', 5], ['faults', 2]]) {
    await page.waitForFunction(([table, least]) => document.getElementById(table).rows.length >= least, [table, least]);
  }
  for (const details of await page.locator('details').all()) await details.evaluate((details) => { details.open = true; });
  return page;
}

looks('ui-full', LANGS, full);

scenario('ui tables show or announce every column', {}, async ({ page }) => {
  for (const lang of LANGS) {
    await full(page, lang);
    for (const width of [360, 740, 1000, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      assert.deepEqual(await hiddenColumns(page), [], `${lang} ${width}`);
      const result = await page.locator('#sessions tr:has-text("failed1") [data-f=result]').locator('..').boundingBox();
      assert.ok(result.width >= 120, `${lang} ${width}: the result column is ${result.width} pixels wide`);
    }
  }
});

scenario('the colour of a session follows its verdict', {}, async ({ page }) => {
  await full(page, 'en');
  const names = { passed1: 'ok', deaf1: 'ok', failed1: 'bad', gone1: 'calm', old1: 'calm', open1: 'info' };
  for (const colorScheme of THEMES) {
    await page.emulateMedia({ colorScheme });
    for (const [order, name] of Object.entries(names)) {
      const state = page.locator(`#sessions tr:has-text("${order}") [data-f=state]`);
      const [shown, wanted] = await state.evaluate((chip, name) => {
        const sample = document.createElement('i');
        sample.style.color = `var(--${name})`;
        sample.style.background = `var(--${name}-bg)`;
        document.body.append(sample);
        const colours = [chip, sample].map((each) => [getComputedStyle(each).color, getComputedStyle(each).backgroundColor].join());
        sample.remove();
        return colours;
      }, name);
      assert.equal(shown, wanted, `${order} ${colorScheme}`);
    }
  }
});

looks('ui-why', LANGS, async (page, lang) => {
  await full(page, lang);
  await page.click('#journal tr:has-text("SignatureDoesNotMatch") [data-do=why]');
  await page.waitForSelector('#why mark');
  await page.fill('#why-own', 'another string');
  await page.click('#compare');
  await page.waitForSelector('#why-answer:not(:empty)');
  for (const name of ['[data-f=hint]', '[data-f=where]', '#why-answer']) {
    const words = await page.locator(`#why ${name}`).textContent();
    assert.equal(/[\u4e00-\u9fff]/.test(words), lang.startsWith('zh'), words);
    if (lang.startsWith('zh')) assert.doesNotMatch(words, / (the|is|are|must|differ) /);
  }
  await page.fill('#why-own', '');
  return page;
}, '#why');

looks('ui-reset', LANGS, async (page, lang) => {
  await openUi(page, emulator, lang);
  await page.click('#reset');
  await page.waitForSelector('#ask-reset[open]');
  return page;
}, '#ask-reset');

// ---- The sample shop, which speaks English alone ----

looks('shop-start', ['en'], async (page) => {
  await page.goto(demo.shop);
  return page;
});

// What is done on the emulator's page, and the word of the shop's decision.
function decided(word, ...clicks) {
  looks(`shop-${word}`, ['en'], async (page) => {
    await page.goto(demo.shop);
    await page.click('button');
    await page.waitForSelector('main[data-state=open]');
    for (const each of clicks) await page.click(each);
    await page.locator('#decision').filter({ hasText: `${word}: ` }).waitFor();
    return page;
  });
}

decided('approve', '#consent', '#submit');
decided('pending', '#cancel');
