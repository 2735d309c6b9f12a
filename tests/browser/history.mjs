// A synthetic history for the report: no person in it is real. Labels are rare below 70, as the policy of that time left them, scores
// move in the last month, and impostors look like those they pretend to be more often than the vendor's table says.

// SplitMix32: the same rows every time.
function dice(seed) {
  let state = seed;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

const DAYS = 120;
const FIRST = Date.UTC(2026, 0, 1);
const KINDS = ['print', 'replay', 'mask'];

export function history(rows, channels = ['app', 'web', 'branch']) {
  const unit = dice(7);
  const normal = (middle, width) => middle + width * (unit() + unit() + unit() + unit() + unit() + unit() - 3) * 1.41;
  const one = (all) => all[Math.floor(unit() * all.length)];
  return Array.from({ length: rows }, (_, number) => {
    const day = Math.floor(unit() * DAYS);
    const impostor = unit() < 0.3;
    const attack = impostor && unit() < 0.3 ? one(KINDS) : '';
    const moved = day >= 90 ? 1.2 : 0;
    const score = Math.min(99.99, Math.max(5, impostor ? normal(45, 11) : normal(86, 6) - moved));
    const compared = unit() >= 0.02;
    const code = !compared ? one(['201', '202', '203']) : attack && unit() < 0.6 ? '205' : score < 70 ? '204' : '200';
    const known = unit() < (score < 58 ? 0.08 : 0.5);
    return {
      id: `r${number}`,
      time: new Date(FIRST + day * 86_400_000 + Math.floor(unit() * 50_000_000)).toISOString(),
      channel: one(channels),
      region: ['north', 'south', 'west'][number % 7 % 3],
      sub_code: code,
      passed: code === '200' ? 'T' : 'F',
      face_attack: attack && unit() < 0.7 ? 'T' : 'F',
      face_occlusion: unit() < 0.01 ? 'T' : 'F',
      verify_score: compared ? Number(score.toFixed(3)) : undefined,
      quality_score: Number((60 + 40 * Math.sqrt(unit())).toFixed(2)),
      face_attack_score: Number((attack ? 1 - 0.6 * unit() : 0.4 * unit() ** 4).toFixed(4)),
      ...(known && { label: impostor ? 'impostor' : 'genuine', attack, subject: `s${Math.floor(number / 3)}` }),
    };
  });
}

export const lines = (rows) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
