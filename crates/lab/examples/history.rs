//! Writes a synthetic history to standard output: `history <rows> flat|reply|csv [seed]`. For benches, tests, and a first look
//! at the lab. Impostors' scores follow the vendor's table (a tenth as many every five points), so the history does not
//! confirm that table.

use std::io::{self, BufWriter, Write};

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Draws a number from 0 to 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn one_of(&mut self, all: [&'static str; 3]) -> &'static str {
        all.get((self.next() % 3) as usize).copied().unwrap_or_default()
    }

    fn one_in(&mut self, often: u64) -> bool {
        self.next().is_multiple_of(often)
    }
}

struct Row {
    number: u64,
    day: u64,
    second: u64,
    channel: &'static str,
    label: Option<&'static str>,
    attack: bool,
    sub_code: &'static str,
    occluded: bool,
    verify: Option<f64>,
    quality: f64,
    attack_score: f64,
}

fn row(number: u64, dice: &mut Dice) -> Row {
    let impostor = dice.one_in(20);
    let attack = impostor && dice.one_in(4);
    let verify = if impostor {
        // A tenth as many impostors every five points.
        (55.0 - 5.0 * dice.unit().max(1e-12).log10()).min(99.99)
    } else {
        let spread = (0..6).map(|_| dice.unit()).sum::<f64>() - 3.0;
        (86.0 + 7.0 * spread).clamp(0.0, 100.0)
    };
    // The number of digits varies, as in replies of the service.
    let verify = (verify * 1e4).round() / 1e4;
    let attack_score = if attack { 1.0 - 0.4 * dice.unit() } else { 0.3 * dice.unit().powi(4) };
    let quality = 60.0 + 40.0 * dice.unit().sqrt();
    let compared = !dice.one_in(40);
    let sub_code = match () {
        () if !compared => dice.one_of(["201", "202", "203"]),
        () if attack && dice.one_in(2) => "205",
        () if verify < 70.0 => "204",
        () if dice.one_in(200) => "210",
        () => "200",
    };
    Row {
        number,
        day: number * 90 / (number + 1_000_000).max(1) + dice.next() % 90,
        second: dice.next() % 86_400,
        channel: dice.one_of(["app", "web", "branch"]),
        label: dice.one_in(3).then_some(if impostor { "impostor" } else { "genuine" }),
        attack,
        sub_code,
        occluded: dice.one_in(150),
        verify: compared.then_some(verify),
        quality: (quality * 1e3).round() / 1e3,
        attack_score: (attack_score * 1e6).round() / 1e6,
    }
}

impl Row {
    fn id(&self) -> String {
        format!("{:032x}", u128::from(self.number) * 0x0123_4567_89AB_CDEF_0123_4567)
    }

    fn time(&self) -> String {
        let (month, day) = (1 + self.day / 30 % 12, 1 + self.day % 30 % 28);
        let (hour, minute, second) = (self.second / 3600, self.second / 60 % 60, self.second % 60);
        format!("2026-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}+08:00")
    }

    fn passed(&self) -> &'static str {
        if matches!(self.sub_code, "200" | "210") { "T" } else { "F" }
    }

    fn flat(&self, to: &mut impl Write) -> io::Result<()> {
        write!(
            to,
            r#"{{"id":"{}","time":"{}","channel":"{}","sub_code":"{}","passed":"{}""#,
            self.id(),
            self.time(),
            self.channel,
            self.sub_code,
            self.passed()
        )?;
        write!(to, r#","face_attack":"{}","face_occlusion":"{}""#, flag(self.attack), flag(self.occluded))?;
        if let Some(verify) = self.verify {
            write!(to, r#","verify_score":{verify}"#)?;
        }
        write!(to, r#","quality_score":{},"face_attack_score":{}"#, self.quality, self.attack_score)?;
        if let Some(label) = self.label {
            write!(to, r#","label":"{label}","subject":"s{}""#, self.number / 2)?;
        }
        writeln!(to, "}}")
    }

    fn reply(&self, to: &mut impl Write) -> io::Result<()> {
        let verify = self.verify.map(|verify| format!(r#"\"verifyScore\":{verify},"#)).unwrap_or_default();
        write!(
            to,
            r#"{{"RequestId":"473469C7-AA6F-4DC5-B3DB-{:012X}","Message":"success","Code":"200","ResultObject":{{"Passed":"{}","SubCode":"{}","IdentityInfo":"null","DeviceToken":"McozS1ZWRcRZStlERcZZo_QOytx5jcgZoZJEoRLOxxxxxxx""#,
            self.number,
            self.passed(),
            self.sub_code
        )?;
        write!(
            to,
            r#","MaterialInfo":"{{\"faceAttack\":\"{}\",\"faceOcclusion\":\"{}\",\"facialPictureFront\":{{\"pictureUrl\":\"https://example-bucket.oss-cn-shanghai.aliyuncs.com/verify/{}/{}_0.jpeg?Expires=1767225600&OSSAccessKeyId=STS.synthetic&Signature=c3ludGhldGlj&security-token=c3ludGhldGljLXNlY3VyaXR5LXRva2Vu\",\"ossBucketName\":\"example-bucket\",\"ossObjectName\":\"verify/{}_0.jpeg\",{verify}\"faceAttackScore\":{},\"qualityScore\":{}}}}}""#,
            flag(self.attack),
            flag(self.occluded),
            self.number % 1000,
            self.id(),
            self.id(),
            self.attack_score,
            self.quality
        )?;
        write!(to, r#"}},"time":"{}","channel":"{}""#, self.time(), self.channel)?;
        if let Some(label) = self.label {
            write!(to, r#","label":"{label}","subject":"s{}""#, self.number / 2)?;
        }
        writeln!(to, "}}")
    }

    fn csv(&self, to: &mut impl Write) -> io::Result<()> {
        let verify = self.verify.map(|verify| verify.to_string()).unwrap_or_default();
        let label = self.label.unwrap_or_default();
        let subject = self.label.map(|_| format!("s{}", self.number / 2)).unwrap_or_default();
        writeln!(
            to,
            "{},{},{},{},{},{},{},{verify},{},{},{label},{subject}",
            self.id(),
            self.time(),
            self.channel,
            self.sub_code,
            self.passed(),
            flag(self.attack),
            flag(self.occluded),
            self.quality,
            self.attack_score
        )
    }
}

const fn flag(truth: bool) -> &'static str {
    if truth { "T" } else { "F" }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let usage = "history <rows> flat|reply|csv [seed]";
    let rows: u64 = args.next().ok_or(usage)?.parse()?;
    let format = args.next().ok_or(usage)?;
    let mut dice = Dice(args.next().map_or(Ok(42), |seed| seed.parse())?);
    let mut to = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    if format == "csv" {
        writeln!(
            to,
            "id,time,channel,sub_code,passed,face_attack,face_occlusion,verify_score,quality_score,face_attack_score,label,subject"
        )?;
    }
    for number in 0..rows {
        let row = row(number, &mut dice);
        match format.as_str() {
            "flat" => row.flat(&mut to)?,
            "reply" => row.reply(&mut to)?,
            "csv" => row.csv(&mut to)?,
            _ => return Err(usage.into()),
        }
    }
    Ok(to.flush()?)
}
