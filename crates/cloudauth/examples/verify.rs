//! One verification against the emulator: start it, print the link, ask for the status.
//!
//! `cargo run -p cloudauth --features reqwest --example verify`

use cloudauth::{
    CertName, CertNo, Client, Credentials, DescribeFaceVerify, Identity, InitFaceVerify, MetaInfo,
    OuterOrderNo, ReqwestTransport, ReturnUrl, SceneId,
};
use cloudauth_emulator::Emulator;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let credentials = Credentials::new(Emulator::ACCESS_KEY_ID, Emulator::ACCESS_KEY_SECRET)?;
    let client =
        Client::builder(ReqwestTransport::new()?, credentials).endpoint(emulator.url().parse()?).build();

    let scene = SceneId::new(1_000_000_006)?;
    let started = client
        .init_face_verify(&InitFaceVerify::new(
            scene,
            OuterOrderNo::new("e0c34a77f5ac40a5aa5e6ed20c353888")?,
            Identity::plain(CertName::new("张三")?, CertNo::new("999999199001012003")?),
            ReturnUrl::new("https://shop.example/verified")?,
            MetaInfo::new(r#"{"zimVer":"3.0.0"}"#)?,
        ))
        .await?;
    let link = started.output.certify_url.ok_or("the service rejected the MetaInfo")?;
    println!("the person opens {}", link.expose());

    let describe = DescribeFaceVerify::new(scene, started.output.certify_id);
    println!("before: {:?}", client.describe_face_verify(&describe).await?.output.outcome());
    println!("POST to the link's /submit to finish it; `cloudauth demo` shows the whole flow");
    Ok(())
}
