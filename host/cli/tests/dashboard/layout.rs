//! The page on a phone, on a projector, in the dark.

use crate::browser::{ESCAPE, LAPTOP, PHONE, PROJECTOR, Page, opened};
use crate::program::Balancer;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_wider_than_the_window() {
    let data = tempfile::tempdir().unwrap();
    let balancer = Balancer::configured(data.path(), &[]).await;
    let page = Page::open(&balancer.url, PHONE).await;
    page.says("#plugins", "md5").await;
    for look in [PHONE, LAPTOP, PROJECTOR] {
        page.look(look).await;
        page.until(&format!("innerWidth === {}", look.width)).await;
        page.until("document.documentElement.scrollWidth <= innerWidth").await;
        page.click("#write-row").await;
        page.until("document.querySelector('dialog').getBoundingClientRect().right <= innerWidth")
            .await;
        page.press(ESCAPE).await;
        page.until("!document.querySelector('dialog')").await;
    }
    let size: String =
        page.eval("return getComputedStyle(document.querySelector('#servers td')).fontSize").await;
    assert_eq!(size, "22px", "a projector is read from afar");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_dark_where_the_system_is_or_somebody_says_so() {
    const PAPER: &str = "getComputedStyle(document.body).backgroundColor";
    let (_data, _balancer, page) = opened().await;
    let light: String = page.eval(&format!("return {PAPER}")).await;
    page.look(LAPTOP.dark()).await;
    page.until(&format!("{PAPER} !== '{light}'")).await;
    page.click("#theme").await; // light, whatever the system is
    page.until(&format!("{PAPER} === '{light}'")).await;
    page.reload().await;
    page.until(&format!("{PAPER} === '{light}'")).await;
    page.look(LAPTOP).await;
    page.click("#theme").await;
    page.until(&format!("{PAPER} !== '{light}'")).await;
    page.until("document.getElementById('theme').ariaLabel === 'Theme: dark'").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_moves_for_who_wants_it_still() {
    let (_data, _balancer, page) = opened().await;
    page.until("document.getAnimations().length > 0").await;
    page.prefer("prefers-reduced-motion", "reduce").await;
    page.until("document.getAnimations().length === 0").await;
}
