//! The dashboard in a browser.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{Balancer, until};
use crate::webdriver::Session;

/// Keys that are no letters.
pub const TAB: &str = "\u{e004}";
pub const ENTER: &str = "\u{e007}";
pub const ESCAPE: &str = "\u{e00c}";
pub const HOME: &str = "\u{e011}";
pub const END: &str = "\u{e010}";

/// The page, opened.
pub struct Page(Session);

/// How the page is looked at.
#[derive(Clone, Copy)]
pub struct Look {
    pub width: u32,
    pub height: u32,
    pub is_dark: bool,
}

pub const LAPTOP: Look = Look { width: 1440, height: 900, is_dark: false };
pub const PHONE: Look = Look { width: 360, height: 780, is_dark: false };
pub const PROJECTOR: Look = Look { width: 1920, height: 1080, is_dark: false };

impl Look {
    pub fn dark(self) -> Look {
        Look { is_dark: true, ..self }
    }
}

/// The paper's cluster with its data, and its dashboard on a laptop.
pub async fn opened() -> (TempDir, Balancer, Page) {
    let data = tempfile::tempdir().unwrap();
    let balancer = Balancer::configured(data.path(), &[]).await;
    let page = Page::open(&balancer.url, LAPTOP).await;
    (data, balancer, page)
}

impl Page {
    /// Opens the dashboard of a balancer.
    pub async fn open(url: &str, look: Look) -> Page {
        let page = Page(Session::start().await);
        page.look(look).await;
        page.0.goto(&format!("{url}/dashboard")).await;
        page
    }

    pub async fn reload(&self) {
        self.0.reload().await;
    }

    /// Changes the size of the window, and whether the system is dark.
    pub async fn look(&self, Look { width, height, is_dark }: Look) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1,
            "mobile": width < 600});
        self.0.devtools("Emulation.setDeviceMetricsOverride", size).await;
        self.prefer("prefers-color-scheme", if is_dark { "dark" } else { "light" }).await;
    }

    /// Sets what the system says that its user prefers.
    pub async fn prefer(&self, feature: &str, value: &str) {
        let features = json!({"features": [{"name": feature, "value": value}]});
        self.0.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// What a script returns.
    pub async fn eval<T: DeserializeOwned>(&self, script: &str) -> T {
        serde_json::from_value(self.0.execute(script).await).unwrap()
    }

    /// Runs a script.
    pub async fn run(&self, script: &str) {
        self.0.execute(script).await;
    }

    /// Waits until an expression is true.
    pub async fn until(&self, expression: &str) {
        let script = format!("return Boolean({expression});");
        until(expression, async || self.eval::<bool>(&script).await.then_some(())).await;
    }

    /// Waits until an element says something.
    pub async fn says(&self, css: &str, words: &str) {
        let (css, words) = (json!(css), json!(words));
        let all = format!("[...document.querySelectorAll({css})]");
        self.until(&format!("{all}.some(e => e.innerText.includes({words}))")).await;
    }

    /// Waits for an element, and clicks it.
    pub async fn click(&self, css: &str) {
        self.until(&format!("document.querySelector({})", json!(css))).await;
        self.0.click(css).await;
    }

    /// Waits for an input, and types into it what it is to say.
    pub async fn fill(&self, css: &str, words: &str) {
        self.click(css).await;
        self.run(&format!("document.querySelector({}).value = ''", json!(css))).await;
        self.press(words).await;
    }

    /// Types wherever the focus is.
    pub async fn press(&self, keys: &str) {
        self.0.keys(keys).await;
    }

    /// What the console complained of.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.0.console().await;
        log.iter().filter(|entry| entry["level"] == "SEVERE").map(Value::to_string).collect()
    }

    /// Keeps what it looks like in `target/screenshots`.
    pub async fn picture(&self, name: &str) -> PathBuf {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(name).with_extension("png");
        let taken = self.0.devtools("Page.captureScreenshot", json!({"format": "png"})).await;
        std::fs::write(&file, decode(taken["data"].as_str().unwrap())).unwrap();
        file
    }
}

/// Base64, decoded.
fn decode(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text.trim_end_matches('=').bytes().map(digit).collect();
    let bits = |four: &[u8]| {
        let all = (0..4).fold(0_u32, |all, i| all << 6 | u32::from(*four.get(i).unwrap_or(&0)));
        all.to_be_bytes()[1..four.len()].to_vec()
    };
    digits.chunks(4).flat_map(bits).collect()
}
