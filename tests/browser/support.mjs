// What the tests share: the real emulator, a real Chromium, and a shop of our own to come back to.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { chromium } from 'playwright-core';

const CHROMIUM = process.env.CHROMIUM || '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Who is not granted the camera is denied it, and not asked.
  '--deny-permission-prompts',
];
export const FAKE_CAMERA = '--use-fake-device-for-media-stream';
export const NO_CAMERA = '--use-fake-device-for-media-stream=device-count=0';

// Everything that a file of tests needs, for as long as it runs. `scenario` is a test with a page of its own.
export async function world(flags = [FAKE_CAMERA]) {
  const [emulator, shop, browser] = await Promise.all([startEmulator(), startShop(), launch(flags)]);
  after(() => Promise.all([emulator.stop(), shop.stop(), browser.close()]));
  return { emulator, shop, browser, scenario: scenarioIn(browser) };
}

export function launch(flags) {
  return chromium.launch({ executablePath: CHROMIUM, args: [...FLAGS, ...flags] });
}

// `options` are those of a browser context, and `expected` is a pattern of what the console may say.
export function scenarioIn(browser) {
  return (name, options, body) => test(name, async () => {
    const { expected, ...ofContext } = options;
    const context = await browser.newContext({ locale: 'en-US', ...ofContext });
    context.setDefaultTimeout(15_000);
    const problems = watch(context, expected);
    try {
      await body({ context, page: await context.newPage() });
    } finally {
      await context.close();
    }
    assert.deepEqual(problems, []);
  });
}

// Nothing goes wrong unseen: no error, no breach of the policy, no request to anybody else.
function watch(context, expected) {
  const problems = [];
  context.on('console', (message) => {
    if (!['error', 'warning'].includes(message.type())) return;
    const text = `${message.text()} (${message.location().url})`;
    // A link that is used, expired or unknown says so by its status too.
    const told = /status of (404|409|410) .*\/(h5|s)\/[^/]*(\/(submit|cancel|expire))?(\?lang=..)?\)$/;
    if (!told.test(text) && !(expected && expected.test(text))) problems.push(text);
  });
  context.on('weberror', ({ error }) => problems.push(String(error())));
  context.on('request', (request) => {
    const { hostname } = new URL(request.url());
    if (!['127.0.0.1', 'localhost'].includes(hostname)) problems.push(`a request to ${request.url()}`);
  });
  return problems;
}

// ---- Programs ----

// A program that `variable` names, and the first line that it prints.
export async function startProgram(variable, args) {
  const program = process.env[variable];
  assert.ok(program, `${variable} names the program that is tested`);
  // Without a PATH it finds no browser to open.
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: '' } });
  let said = '';
  child.stderr.on('data', (text) => { said += text; });
  const gone = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const [line] = await Promise.race([once(lines, 'line'), gone.then(() => assert.fail(`it did not start: ${said}`))]);
  const stop = async () => {
    child.kill();
    await gone;
  };
  return { line, stop };
}

// `cloudauth ...`, and the document that its first line holds.
async function start(args) {
  const { line, stop } = await startProgram('CLOUDAUTH', [...args, '--output', 'json']);
  return { told: JSON.parse(line), stop };
}

export async function startEmulator(...args) {
  const { told, stop } = await start(['emulator', ...args]);
  return { ...emulatorAt(told.endpoint), stop };
}

export async function startDemo() {
  const { told, stop } = await start(['demo', '--open']);
  return { shop: told.shop, emulator: emulatorAt(told.endpoint), stop };
}

function emulatorAt(url) {
  async function api(method, path, body) {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${url}/_emu/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${text}`);
    return text && JSON.parse(text);
  }

  // A call of the API, signed by V1, or with an invalid signature.
  async function call(action, fields, signature) {
    const params = {
      Action: action,
      Version: '2019-03-07',
      Format: 'JSON',
      AccessKeyId: 'EMUtestid',
      SignatureMethod: 'HMAC-SHA1',
      SignatureVersion: '1.0',
      SignatureNonce: randomUUID(),
      Timestamp: (await api('GET', '/clock')).now,
      ...fields,
    };
    const query = Object.keys(params).sort().map((name) => `${encode(name)}=${encode(params[name])}`).join('&');
    const right = createHmac('sha1', 'EMUtestsecret&').update(`GET&%2F&${encode(query)}`).digest('base64');
    const answer = await fetch(`${url}/?${query}&Signature=${encode(signature || right)}`);
    return answer.json();
  }

  return {
    url,
    ui: `${url}/_emu/ui`,
    api,
    call,
    begin: (wanted) => api('POST', '/sessions', wanted),
    session: (id) => api('GET', `/sessions/${id}`),
    describe: (id) => call('DescribeFaceVerify', { SceneId: '1000000006', CertifyId: id }),
    // It answers when all that fell due has run.
    advance: (seconds) => api('PATCH', '/clock', { advance_seconds: seconds }),
    // How often the user submitted, gave up or let the link expire on the page, and the answers.
    acts: async (id) => {
      const { entries } = await api('GET', '/journal');
      return entries.filter((entry) => entry.certify_id === id && entry.what === 'page').map(({ action, status }) => `${action} ${status}`);
    },
  };
}

export function encode(text) {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

// A magic ID number, by GB 11643.
export function idNumber(born, digits) {
  const front = `999999${born}${String(digits).padStart(3, '0')}`;
  const sum = [...front].reduce((sum, digit) => (sum + Number(digit)) * 2 % 11, 0);
  const check = (12 - sum) % 11;
  return front + (check === 10 ? 'X' : check);
}

// ---- The shop ----

const page = (body) => `<!doctype html><html lang=en><meta charset=utf-8><title>shop</title><h1>The shop</h1>${body}`;

// A receiver of callbacks, a page to come back to, and one that frames a link (`/frame?src=&allow=`).
async function startShop() {
  const callbacks = [];
  const server = http.createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://shop');
    if (pathname === '/callback') {
      // The emulator first looks whether anybody is there.
      if (searchParams.has('certifyId')) callbacks.push(Object.fromEntries(searchParams));
      response.end('ok');
    } else if (pathname === '/favicon.ico') {
      response.writeHead(204).end();
    } else {
      response.setHeader('content-type', 'text/html');
      response.end(page(pathname === '/frame' ? frame(searchParams) : ''));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${server.address().port}`;
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return {
    url,
    // A different site from the emulator's, so that its frames have no permissions by default.
    elsewhere: url.replace('127.0.0.1', 'localhost'),
    callbacks: (id) => callbacks.filter((callback) => callback.certifyId === id),
    stop,
  };
}

function frame(wanted) {
  return '<script>window.got = []; onmessage = ({ data, origin }) => got.push({ data, origin });</script>'
    + `<iframe title=link width=600 height=600 src="${wanted.get('src')}" allow="${wanted.get('allow') || ''}"></iframe>`;
}

// ---- The page ----

export const stateOf = (page) => page.locator('main').getAttribute('data-state');

// What the browser brought back: `response` of the query, or of the route behind the `#`.
export function broughtBack(page) {
  const url = new URL(page.url());
  const text = url.searchParams.get('response') || new URLSearchParams(url.hash.split('?')[1]).get('response');
  return JSON.parse(text);
}

// ---- The inspection page ----

export async function openUi(page, { ui }, lang = 'en') {
  await page.goto(`${ui}?lang=${lang}`);
  await page.waitForSelector('#live.ok');
}

// Waits until there are such words in it.
export const shows = (part, words) => part.filter({ hasText: words }).waitFor();

// A call whose string to sign `mistaken` made another, and both strings.
export async function callSigned(emulator, action, fields, mistaken) {
  const of = { SignatureNonce: randomUUID(), Timestamp: (await emulator.api('GET', '/clock')).now, ...fields };
  const common = `AccessKeyId=EMUtestid&Action=${action}&Format=JSON&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0&Version=2019-03-07`;
  const own = Object.entries(of).map(([name, value]) => `${encode(name)}=${encode(value)}`);
  const right = `GET&%2F&${encode([...common.split('&'), ...own].sort().join('&'))}`;
  const wrong = mistaken(right);
  const signature = createHmac('sha1', 'EMUtestsecret&').update(wrong).digest('base64');
  const { Code } = await emulator.call(action, of, signature);
  return { Code, right, wrong };
}

// A receiver that is there when the emulator looks, and fails when it is called back.
export async function startFailing() {
  const server = http.createServer((request, response) => {
    response.writeHead(request.url.includes('certifyId') ? 500 : 200).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}/callback`, stop: () => server.close() };
}

// ---- Tables ----

// Each table that hides columns without a sign: a table wider than its scroll region needs the shaded edges, the keyboard
// focus and an accessible name.
export const hiddenColumns = (page) => page.locator('table').evaluateAll((tables) => tables.filter((table) => table.checkVisibility()).flatMap((table) => {
  const region = table.closest('.scroll');
  if (!region) return ['a table without a scroll region'];
  if (region.scrollWidth <= region.clientWidth) return [];
  const { backgroundImage, backgroundAttachment, overflowX } = getComputedStyle(region);
  const labelledBy = document.getElementById(region.getAttribute('aria-labelledby'));
  const name = region.getAttribute('aria-label') || (labelledBy && labelledBy.textContent.trim());
  const missing = [
    [overflowX === 'auto', 'scrolling'],
    [backgroundImage.split('gradient(').length === 5 && backgroundAttachment === 'local, local, scroll, scroll', 'shaded edges'],
    [region.tabIndex === 0 && region.getAttribute('role') === 'region', 'keyboard focus'],
    [name, 'a name'],
  ].filter(([there]) => !there).map(([, what]) => what);
  return missing.length ? [`${name}: no ${missing.join(', ')}`] : [];
}));
