// The vendor's Node SDK, under V3.

const http = require('http');
const crypto = require('crypto');
const cloudauth = require('@alicloud/cloudauth20190307');
const { $OpenApiUtil } = require('@alicloud/openapi-core');

const { EMULATOR, EMULATOR_AHEAD } = process.env;
const KEY = 'EMUtestid';
const SECRET = 'EMUtestsecret';
const SCENE = 1000000006;

function client(endpoint, secret) {
  const config = new $OpenApiUtil.Config({ accessKeyId: KEY, accessKeySecret: secret });
  config.endpoint = endpoint.replace('http://', '');
  config.protocol = 'http';
  return new cloudauth.default(config);
}

function init(endpoint, secret) {
  return client(endpoint, secret).initFaceVerify(new cloudauth.InitFaceVerifyRequest({
    sceneId: SCENE,
    outerOrderNo: crypto.randomBytes(16).toString('hex'),
    productCode: 'ID_PRO',
    certType: 'IDENTITY_CARD',
    certName: '阿卜·𠮷',
    certNo: '999999199001012046',
    returnUrl: "https://shop.example/back?a=1&b=c d*~+'()!",
    metaInfo: '{"zimVer":"3.0.0","x":"a b+c&d=e%f"}',
    model: 'LIVENESS',
    certifyUrlStyle: 'L',
  }));
}

function describe(certifyId) {
  return client(EMULATOR, SECRET)
    .describeFaceVerify(new cloudauth.DescribeFaceVerifyRequest({ sceneId: SCENE, certifyId }));
}

async function refused(endpoint, secret) {
  try {
    await init(endpoint, secret);
  } catch (error) {
    return error.code;
  }
  return 'taken';
}

function submit(link) {
  return new Promise((resolve, reject) => {
    http.request(`${link}/submit`, { method: 'POST' }, (answer) => resolve(answer.statusCode)).on('error', reject).end();
  });
}

function check(what, found, expected) {
  if (JSON.stringify(found) !== JSON.stringify(expected)) {
    throw new Error(`${what}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`);
  }
  console.log(`  ${what}: ${JSON.stringify(found)}`);
}

(async () => {
  const started = (await init(EMULATOR, SECRET)).body;
  check('init', started.code, '200');
  const { certifyId, certifyUrl } = started.resultObject;
  check('describe before', (await describe(certifyId)).body.code, '424');
  check('submit', await submit(certifyUrl), 303);
  const result = (await describe(certifyId)).body;
  check('describe', [result.code, result.resultObject.passed, result.resultObject.subCode], ['200', 'F', '204']);
  check('wrong secret', await refused(EMULATOR, 'wrong'), 'SignatureDoesNotMatch');
  check('stale timestamp', await refused(EMULATOR_AHEAD, SECRET), 'InvalidTimeStamp.Expired');
  // The SDK's connections are kept alive, and the process with them.
  process.exit(0);
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
