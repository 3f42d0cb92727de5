//! The page by keyboard, and for who hears it.

use crate::browser::{ENTER, ESCAPE, LAPTOP, Page, TAB, opened};
use crate::program::Balancer;

#[tokio::test(flavor = "multi_thread")]
async fn all_of_it_is_reached_and_used_by_keyboard() {
    let data = tempfile::tempdir().unwrap();
    let balancer = Balancer::start(data.path(), &["--demo"]).await;
    balancer.says("Ringwright is at").await;
    let page = Page::open(&balancer.url, LAPTOP).await;
    page.says("#headline", "All replicas are in sync").await;
    page.says("#plugins", "md5").await;
    let wanted: u64 = page
        .eval(
            "window.wanted = [...document.querySelectorAll('a, button, input, summary, [tabindex]')]
                .filter(e => e.checkVisibility());
            window.met = new Set(); return wanted.length",
        )
        .await;
    for _ in 0..wanted + 5 {
        page.press(TAB).await;
        let visible: bool = page
            .eval(
                "met.add(document.activeElement);
                const style = getComputedStyle(document.activeElement);
                return document.activeElement === document.body
                    || (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2)",
            )
            .await;
        assert!(visible, "the focus is not seen");
    }
    let missed: Vec<String> = page
        .eval("return wanted.filter(e => e.isConnected && !met.has(e)).map(e => e.outerHTML)")
        .await;
    assert!(missed.is_empty(), "{missed:?}");

    page.run("document.getElementById('write-row').focus()").await;
    page.press(ENTER).await;
    page.until("document.activeElement.name === 'Stud_id'").await;
    page.press(&format!("12288{TAB}Ada{TAB}7")).await;
    page.press(ESCAPE).await;
    page.until("!document.querySelector('dialog')").await;
    page.until("document.activeElement.id === 'write-row'").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn controls_have_names_headings_are_in_order_and_tables_are_tables() {
    let (_data, _balancer, page) = opened().await;
    page.says("#plugins", "md5").await;
    page.click("#add-server").await;
    let faults: Vec<String> = page.eval(FAULTS).await;
    assert!(faults.is_empty(), "{faults:#?}");
}

/// What is wrong with the page for who does not see it.
const FAULTS: &str = r"
    const faults = [];
    const named = e => (e.getAttribute('aria-label') || e.alt || (e.matches('a, button, summary') ? e.innerText : '')
        || [...(e.labels ?? [])].map(l => l.innerText).join('')
        || (e.getAttribute('aria-labelledby') ?? '').split(' ').map(id => document.getElementById(id)?.innerText ?? '').join('')).trim();
    const all = css => [...document.querySelectorAll(css)].filter(e => e.checkVisibility());
    for (const e of all('a, button, input, select, summary, [tabindex], [role=img], [role=slider], [role=region], nav, dialog, section'))
        if (!named(e)) faults.push('no name: ' + e.outerHTML.slice(0, 120));
    let level = 0;
    for (const h of all('h1, h2, h3, h4, h5, h6')) {
        const now = Number(h.tagName[1]);
        if (now > level + 1) faults.push('a level is left out: ' + h.innerText);
        level = now;
    }
    if (all('h1').length !== 1 || all('main').length !== 1 || all('header').length !== 1) faults.push('landmarks');
    for (const t of all('table')) {
        if (![...t.tHead.rows[0].cells].every(c => c.tagName === 'TH' && c.scope === 'col')) faults.push('no heads of columns: ' + t.outerHTML.slice(0, 120));
        for (const r of t.tBodies[0].querySelectorAll('tr:not(.space)'))
            if (r.cells[0].tagName !== 'TH') faults.push('no head of a row: ' + r.outerHTML.slice(0, 120));
    }
    const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
    if (new Set(ids).size !== ids.length) faults.push('an id twice');
    if (document.querySelector('#events ol').getAttribute('role') !== 'log') faults.push('events are no log');
    if (!document.documentElement.lang) faults.push('no language');
    return faults";

#[tokio::test(flavor = "multi_thread")]
async fn the_headline_is_read_out_as_it_changes() {
    let (_data, _balancer, page) = opened().await;
    page.says("#headline", "All replicas are in sync").await;
    let role: Option<String> = page
        .eval("return document.getElementById('headline').parentElement.getAttribute('role')")
        .await;
    assert_eq!(role.as_deref(), Some("status"));
    // What does not change is not said again.
    page.run(
        "window.said = 0; new MutationObserver(() => said += 1).observe(\
              document.getElementById('headline').parentElement,\
              {subtree: true, childList: true, characterData: true, attributes: true});
        window.told = 0; new MutationObserver(() => told += 1).observe(\
              document.querySelector('#traffic svg'), {childList: true})",
    )
    .await;
    page.until("told >= 3").await;
    assert_eq!(page.eval::<u64>("return said").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_stand_out_from_what_they_stand_on() {
    let data = tempfile::tempdir().unwrap();
    let mut balancer = Balancer::start(data.path(), &["--demo"]).await;
    balancer.says("Ringwright is at").await;
    let page = Page::open(&balancer.url, LAPTOP).await;
    page.says("#plugins", "md5").await;
    page.click("#add-server").await;
    page.says("dialog", "Add a server").await;
    all_stand_out(&page, "live").await;
    balancer.interrupt().await;
    page.says("#lost", "The connection is lost").await;
    all_stand_out(&page, "lost").await;
}

async fn all_stand_out(page: &Page, state: &str) {
    for look in [LAPTOP, LAPTOP.dark()] {
        page.look(look).await;
        let faint: Vec<String> = page.eval(FAINT).await;
        assert!(faint.is_empty(), "{state}, dark: {}: {faint:#?}", look.is_dark);
    }
}

/// Texts of too little contrast, by WCAG 2.2, AA.
const FAINT: &str = r"
    const parse = text => { const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number); return {rgb: [r, g, b], a}; };
    const over = (top, below) => top.rgb.map((c, i) => c * top.a + below[i] * (1 - top.a));
    const light = rgb => { const [r, g, b] = rgb.map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
    const ground = e => e ? over(parse(getComputedStyle(e).backgroundColor), ground(e.parentElement)) : [255, 255, 255];
    // What an element and those it is in make of a colour: grey, and faded into what is behind.
    const seen = (rgb, e) => {
        for (; e; e = e.parentElement) {
            const {filter, opacity} = getComputedStyle(e);
            if (filter.includes('grayscale(1)')) rgb = Array(3).fill(0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]);
            if (opacity < 1) rgb = over({rgb, a: Number(opacity)}, ground(e.parentElement));
        }
        return rgb;
    };
    const faint = [];
    for (const e of document.querySelectorAll('body *')) {
        if (!e.checkVisibility() || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
        if (e.matches('button:disabled, .unseen, noscript')) continue;
        const style = getComputedStyle(e);
        const colour = e instanceof SVGElement ? style.fill : style.color;
        const below = ground(e);
        const both = [over(parse(colour), below), below].map(rgb => light(seen(rgb, e)));
        const [a, b] = both.sort((x, y) => y - x);
        const size = parseFloat(style.fontSize), isLarge = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
        const contrast = (a + 0.05) / (b + 0.05);
        if (contrast < (isLarge ? 3 : 4.5)) faint.push(`${contrast.toFixed(2)} ${e.tagName} ${e.className} ${e.textContent.trim().slice(0, 40)}`);
    }
    return faint";
