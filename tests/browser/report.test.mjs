// The lab's report, as `cloudauth lab report` writes it: in both languages, light and dark, wide and narrow. It fetches
// nothing, tells what the other commands tell, and no name in the data is markup.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { promisify } from 'node:util';
import axe from 'axe-core';
import { history, lines } from './history.mjs';
import { hiddenColumns, launch, scenarioIn } from './support.mjs';

const { SHOTS, CLOUDAUTH } = process.env;
assert.ok(CLOUDAUTH, 'CLOUDAUTH names the command that is tested');
if (SHOTS) await mkdir(SHOTS, { recursive: true });
const folder = await mkdtemp(join(tmpdir(), 'report-'));
const browser = await launch([]);

// The folder on loopback, and which files were asked for.
let asked = [];
const server = http.createServer(async (request, response) => {
  asked.push(request.url);
  response.setHeader('content-type', 'text/html');
  response.end(await readFile(join(folder, request.url)).catch(() => ''));
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
after(async () => {
  await browser.close();
  server.close();
  await rm(folder, { recursive: true });
});

// `cloudauth lab ...`, with what it says as a document.
async function lab(...args) {
  const all = ['lab', ...args, '--output', 'json'];
  const { stdout } = await promisify(execFile)(CLOUDAUTH, all, { cwd: folder, env: { PATH: '' }, maxBuffer: 1 << 26 });
  return JSON.parse(stdout);
}

// A report without a row that can be read is written, and the exit code is 1.
async function ofNothing(...args) {
  await assert.rejects(lab(...args), ({ code, stderr }) => code === 1 && /no row was decided on|没有可判定的行/.test(stderr));
}

const BAD = '<script>document.title = "in"</script>"\'&<img src=x>';
const rows = history(6000, ['app', 'web', BAD]);
const without = (...names) => rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !names.includes(name))));
await writeFile(join(folder, 'full.jsonl'), lines(rows) + '{"no"\n'.repeat(3) + '{"sub_code": "200"}\n');
await writeFile(join(folder, 'bare.jsonl'), lines(without('label', 'time', 'attack', 'subject')));
await writeFile(join(folder, 'one.jsonl'), lines(rows.slice(0, 1)));
await writeFile(join(folder, 'empty.jsonl'), '{"no"\n'); // a file without any line is refused
await writeFile(join(folder, 'full.toml'), 'format = 1\ntime = "time"\nsubject = "subject"\nsegments = ["channel", "region"]\n[label]\ncolumn = "label"\nattack = "attack"\n');
const FULL = ['full.jsonl', '--mapping', 'full.toml'];
await writeFile(join(folder, 'cost.toml'), 'format = 1\n[cost]\nimpostor_approved = 5000\ngenuine_rejected = 30\nreview = 2\nretry = 0.5\n');
const VALUES = ['--from', '69.5', '--step', '0.5'];
const COST = ['--cost', 'cost.toml', '--prior', '0.1%'];
const SWEEP = ['--sweep', 'match_auto', '--up-to', '80', ...VALUES, ...COST];
const DAYS = ['--train', '..2026-02-28', '--test', '2026-03-01..', '--target', '1/50', '--target', '1/100', '--target', '1/10000'];
const CROSS = ['channel', 'region'];
const LOAD = ['--handling-time', '3m', '--target-wait', '5m'];
const ALL = ['summary', 'decisions', 'compare', 'sweep', 'reviewers', 'segments', 'scores', 'errors', 'targets', 'holdout', 'coverage', 'attacks', 'drift', 'days', 'notes'];

await Promise.all(['en', 'zh'].flatMap((lang) => [
  lab('report', 'builtin:onboarding', ...FULL, '--candidate', 'builtin:vendor', ...SWEEP, ...DAYS, ...LOAD, '--rows-per-hour', '1200', '--cross', `${CROSS}`, '--to', `full-${lang}.html`, '--lang', lang),
  ...['bare', 'one'].map((name) => lab('report', 'builtin:onboarding', `${name}.jsonl`, '--to', `${name}-${lang}.html`, '--lang', lang)),
  ofNothing('report', 'builtin:onboarding', 'empty.jsonl', '--to', `empty-${lang}.html`, '--lang', lang),
]));

async function open(page, name) {
  asked = [];
  await page.goto(`http://127.0.0.1:${server.address().port}/${name}.html`);
  await page.waitForLoadState('networkidle');
  assert.deepEqual(asked.filter((url) => url !== '/favicon.ico'), [`/${name}.html`]);
}

const scenario = (name, body) => scenarioIn(browser)(name, {}, body);
const sections = (page) => page.locator('section').evaluateAll((all) => all.map(({ id }) => id));

// What axe calls serious or critical, and whether there is something to scroll sideways for.
async function problems(page) {
  await page.evaluate(axe.source);
  const { violations, passes } = await page.evaluate(() => axe.run(document, { preload: false, resultTypes: ['violations'] }));
  assert.ok(passes.length > 10, `axe looked at little: ${passes.length}`);
  const grave = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
  const found = grave.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id} at ${target}: ${failureSummary}`));
  const [needed, there] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  return needed > there ? [...found, `${needed} pixels wide`] : found;
}

// For each plot: its name, the number of points, and every text that leaves the plot or overlaps another text.
const plots = (page) => page.locator('svg').evaluateAll((all) => all.map((svg) => ({
  name: svg.getAttribute('role') === 'img' ? svg.getAttribute('aria-label') : '',
  points: [...svg.querySelectorAll('.line, .steps, .band')].flatMap((path) => path.getAttribute('d').match(/[MLVH]/g) || []).length,
  markup: svg.outerHTML,
})));
const crowded = (page) => page.locator('svg').evaluateAll((all) => all.flatMap((svg) => {
  const texts = [...svg.querySelectorAll('text')].filter((text) => text.textContent && getComputedStyle(text).display !== 'none');
  const boxes = texts.map((text) => [text.textContent, text.getBoundingClientRect()]);
  // What the letters take, without the room above and below them.
  const apart = (a, b) => a.right <= b.left || b.right <= a.left || a.bottom - 4 <= b.top || b.bottom - 4 <= a.top;
  const pairs = boxes.flatMap(([a, of], at) => boxes.slice(at + 1).filter(([, other]) => !apart(of, other)).map(([b]) => `${a} on ${b}`));
  const out = boxes.filter(([, box]) => box.left < 0 || box.right > innerWidth).map(([text]) => `${text} is outside`);
  return [...pairs, ...out].map((what) => `${svg.getAttribute('aria-label')}: ${what}`);
}));

for (const [name, wanted, drawn] of [
  ['full', ALL, 42],
  ['bare', ['summary', 'decisions', 'scores', 'notes'], 1],
  ['one', null, 1],
  ['empty', ['summary', 'decisions', 'scores', 'notes'], 1],
]) {
  for (const lang of ['en', 'zh']) {
    scenario(`the ${name} report looks right in ${lang}`, async ({ page }) => {
      await open(page, `${name}-${lang}`);
      assert.equal(await page.locator('html').getAttribute('lang'), lang === 'en' ? 'en' : 'zh-CN');
      if (wanted) assert.deepEqual(await sections(page), wanted);
      const seen = await plots(page);
      assert.ok(seen.length >= drawn, `${seen.length} plots`);
      for (const plot of seen) {
        assert.ok(plot.name.length > 5, 'a plot has a name');
        assert.ok(name !== 'full' || plot.points > 3, `${plot.name} has ${plot.points} points`);
        assert.ok(!/NaN|Infinity|\binf\b/.test(plot.markup), plot.name);
      }
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme });
        for (const width of [1280, 360]) {
          await page.setViewportSize({ width, height: 800 });
          const variant = `report-${name}-${lang}-${colorScheme}-${width}`;
          assert.deepEqual(await problems(page), [], variant);
          assert.deepEqual(await crowded(page), [], variant);
          assert.deepEqual(await hiddenColumns(page), [], variant);
          if (SHOTS) await page.screenshot({ path: join(SHOTS, `${variant}.png`), fullPage: true });
        }
      }
      // On paper it is dark on light, and no table is cut.
      await page.emulateMedia({ colorScheme: 'dark', media: 'print' });
      await page.setViewportSize({ width: 720, height: 1000 });
      const paper = await page.evaluate(() => ['color', 'backgroundColor'].map((what) => getComputedStyle(document.body)[what]));
      assert.deepEqual(paper, ['rgb(22, 26, 31)', 'rgb(255, 255, 255)']);
      assert.deepEqual(await problems(page), [], 'print');
      if (SHOTS) await page.screenshot({ path: join(SHOTS, `report-${name}-${lang}-print.png`), fullPage: true });
    });
  }
}

scenario('names in the data are text', async ({ page }) => {
  await open(page, 'full-en');
  assert.notEqual(await page.title(), 'in');
  assert.equal(await page.locator('script, img').count(), 0);
  // Alone, and with each of the three regions.
  assert.equal(await page.locator('#decisions th[scope=row]', { hasText: BAD }).count(), 4);
  assert.equal(await page.locator('#compare th[scope=row]', { hasText: BAD }).count(), 4);
});

scenario('it tells what the other commands tell', async ({ page }) => {
  const [replay, compare, calibration, drift] = await Promise.all([
    lab('replay', 'builtin:onboarding', ...FULL),
    lab('compare', 'builtin:onboarding', 'builtin:vendor', ...FULL),
    lab('calibrate', 'builtin:onboarding', ...FULL, ...DAYS.slice(4)),
    lab('drift', 'builtin:onboarding', ...FULL),
  ]);
  await open(page, 'full-en');
  const cells = (rows) => rows.evaluateAll((all) => all.map((row) => [...row.cells].map((cell) => cell.innerText.trim().split('\n')[0])));
  const told = (number) => number.toLocaleString('en-US');
  const verdicts = ['approve', 'review', 'retry', 'reject'];

  const tiles = await page.locator('.tiles div').evaluateAll((all) => all.map((tile) => tile.lastElementChild.textContent));
  assert.deepEqual(tiles, verdicts.map((verdict) => told(replay.verdicts[verdict].all)));
  const summary = await page.locator('#summary').innerText();
  const { fraud_approved: fraud, customers_not_approved: customers } = compare;
  assert.ok(fraud.policy.count > 0 && fraud.candidate.count > fraud.policy.count);
  assert.match(summary, new RegExp(`${fraud.policy.count} of ${fraud.policy.of} labelled impostors are approved`));
  assert.match(summary, new RegExp(`approved: ${fraud.policy.count} today, ${fraud.candidate.count} with the candidate`));
  assert.match(summary, new RegExp(`not approved: ${customers.policy.count} today, ${customers.candidate.count} with the candidate`));
  assert.match(summary, new RegExp(`changes the decision of ${told(compare.changed)} rows`));
  assert.match(summary, new RegExp(`drifted in .*: PSI ${drift.scores[0].psi.toFixed(4)}`));
  assert.match(summary, new RegExp(`Labels stop below ${calibration.labels_stop_below}:`));

  const flips = Object.fromEntries(compare.flips.map(({ from, to, all }) => [`${from} ${to}`, all]));
  const matrix = await cells(page.locator('.matrix tbody tr:not(.group)'));
  assert.deepEqual(matrix, verdicts.map((from) => [from, ...verdicts.map((to) => told(flips[`${from} ${to}`] || 0))]));
  const rules = await cells(page.locator('#decisions h3:text("By rule") + .scroll tbody tr'));
  assert.deepEqual(rules.map(([rule, , all]) => [rule, all]), replay.rules.map(({ rule, all }) => [rule, told(all)]));
  const targets = await cells(page.locator('#targets tbody tr'));
  assert.deepEqual(targets.map(([target, shown]) => [target, shown]), calibration.targets.map(({ fmr, shown }) => [`1/${told(Math.round(1 / fmr))}`, String(shown.threshold)]));
  const [left_out] = await cells(page.locator('#notes tbody tr'));
  assert.deepEqual(left_out, ['is not a JSON object', '3', 'yes']);

  // The DET plot's points lie where the vendor's thresholds have them.
  const dots = await page.locator('#errors circle title').allTextContents();
  const at = (score) => calibration.vendor.find(({ threshold }) => threshold === score);
  assert.deepEqual(dots, [70, 75, 80].map((score) => `${score}: FMR ${at(score).fmr.count}/${at(score).fmr.of}, FNMR ${at(score).fnmr.count}/${at(score).fnmr.of}`));

  // A dot of a segment lies where its rate is, on the scale of its chart.
  const segments = await lab('segments', 'builtin:onboarding', ...FULL);
  const { values } = segments.segments.channel.customers_not_approved;
  const most = Math.max(...Object.values(values).map(({ high }) => high));
  const chart = page.locator('#segments svg[aria-label="channel: Genuine people not approved"]');
  const centres = await chart.locator('circle').evaluateAll((all) => all.map((dot) => Number(dot.getAttribute('cx'))));
  const rates = Object.values(values).sort((a, b) => b.of - a.of).map(({ rate }) => 22 + (rate / most) * 476);
  assert.equal(centres.length, 3);
  centres.forEach((centre, at) => assert.ok(Math.abs(centre - rates[at]) < 0.06, `${centres} ${rates}`));

  // Two segments crossed, and a threshold on later days: each dot is where the command has the rate.
  const crossed = await lab('segments', 'builtin:onboarding', ...FULL, '--by', `${CROSS}`);
  const pairs = crossed.segments['channel × region'].customers_not_approved.values;
  const names = page.locator('#segments svg[aria-label="channel × region: Genuine people not approved"] circle title');
  const shown = (rate) => (rate === 0 ? '0 %' : `${(rate * 100).toFixed(2)} %`);
  const wanted = Object.entries(pairs).map(([name, { rate }]) => `${name}: ${shown(rate)}`).sort();
  assert.deepEqual((await names.allTextContents()).map((text) => text.split(' (')[0]).sort(), wanted);
  const holdout = await lab('calibrate', 'builtin:onboarding', ...FULL, ...DAYS);
  const days = await page.locator('#holdout .pair > div:first-child circle title').allTextContents();
  const chosen = holdout.targets.filter(({ threshold }, at, all) => !at || threshold !== all[at - 1].threshold);
  assert.ok(chosen.length > 1);
  assert.deepEqual(days.map((text) => text.split(' (')[0]), chosen.flatMap(({ fmr: { train, test } }) => [`training days: ${shown(train.rate)}`, `test days: ${shown(test.rate)}`]));

  // The reviewers are those of a plan for this share of reviews.
  const reviews = [replay.verdicts.review.all, compare.flips.filter(({ to }) => to === 'review').reduce((sum, { all }) => sum + all, 0)];
  const plans = await Promise.all(reviews.map((all) => lab('plan', '--reviews-per-hour', String(1200 * (all / replay.rows)), ...LOAD)));
  const teams = await cells(page.locator('#reviewers tbody tr'));
  assert.deepEqual(teams.map((row) => row[1]), plans.map(({ reviewers }) => String(reviewers.reviewers)));

  // The sweep has a row for each value, and that of the file has the policy's own verdicts. Values up to `match_floor` are hatched.
  const swept = await cells(page.locator('#sweep tbody tr'));
  assert.equal(swept.length, 22);
  const now = swept.find(([value]) => /^75 /.test(value));
  assert.deepEqual(now.slice(1, 5), verdicts.map((verdict) => told(replay.verdicts[verdict].all)));
  assert.equal(await page.locator('#sweep .broken:not(.key)').count(), 2);

  // The cheapest value is the dot of the cost's chart, and the table has the cost of each value.
  const sweep = await lab('sweep', 'builtin:onboarding', ...FULL, '--threshold', 'match_auto', '--to', '80', ...VALUES, ...COST);
  const { cheapest, flat } = sweep.cost;
  const cheap = sweep.values.find(({ value }) => value === cheapest).outcome.cost;
  assert.deepEqual(await page.locator('#sweep circle title').allTextContents(), [`match_auto ${cheapest}: ${cheap.per_1000.toFixed(2)}`]);
  assert.equal(now.at(-1).split(' ')[0], sweep.values.find(({ value }) => value === 75).outcome.cost.per_1000.toFixed(2));
  assert.match(summary, new RegExp(`match_auto = ${cheapest} is the cheapest: .*from ${flat[0]} to ${flat[1]}`));
  const { largest } = segments.segments.channel.customers_not_approved;
  assert.ok((await page.locator('#segments .gap').allInnerTexts()).some((text) => text.includes(`ratio ${largest.ratio.toFixed(2)} (`)));

  const months = await page.locator('#drift circle title').allTextContents();
  assert.deepEqual(months, drift.months.map(({ month, psi }) => `${month}: ${psi.toFixed(4)}`));
});

scenario('the Chinese report leaves no sentence in English', async ({ page }) => {
  await open(page, 'full-zh');
  await page.locator('details').evaluate((details) => { details.open = true; });
  const text = (await page.locator('main').innerText()).replaceAll(BAD, '');
  // Three words of English in a row are a sentence; rules and thresholds have none.
  assert.deepEqual(text.match(/\b[a-z]+ [a-z]+ [a-z]+\b/gi) || [], []);
  assert.equal((text.match(/[\u4e00-\u9fff]/g) || []).length > 600, true);
});
