//! Who may change the metadata, over one database that several balancers have open.

use ringwright_metadata::{Charge, MetadataError, MetadataStore};
use tokio::task::JoinSet;

use crate::home::*;

pub async fn each_charge_taken_is_a_new_epoch(home: Home) {
    let store = home.open().await;
    assert_eq!(take(&store, "one").await, 1);
    store.renew(1).await.unwrap();
    store.release(1).await.unwrap();
    assert_eq!(take(&store, "two").await, 2);
    let fresh = Charge { epoch: 2, holder: "two".into(), term: TERM, beat: 0, released: false };
    assert_eq!(store.charge().await.unwrap(), fresh);
    store.close().await;
    let store = home.open().await;
    assert_eq!(store.charge().await.unwrap(), fresh);
    assert_eq!(take(&store, "three").await, 3);
}

pub async fn a_charge_that_has_beaten_or_passed_on_since_it_was_seen_is_not_taken(home: Home) {
    let store = small(&home).await;
    let seen = store.charge().await.unwrap();
    store.renew(1).await.unwrap();
    assert_eq!(store.take_charge("late", TERM, &seen).await.unwrap(), None);
    store.renew(1).await.unwrap();
    let seen = store.charge().await.unwrap();
    assert_eq!(store.take_charge("first", TERM, &seen).await.unwrap(), Some(2));
    assert_eq!(store.take_charge("second", TERM, &seen).await.unwrap(), None);
    assert_eq!(store.charge().await.unwrap().holder, "first");
}

pub async fn a_charge_beats_while_its_holder_renews_or_writes(home: Home) {
    let store = small(&home).await;
    let beat = async || store.charge().await.unwrap().beat;
    let first = beat().await;
    store.renew(1).await.unwrap();
    let second = beat().await;
    assert!(second > first);
    store.apply(1, &[raise("s1", 1)]).await.unwrap();
    assert!(beat().await > second);
}

pub async fn a_fenced_balancer_changes_nothing(home: Home) {
    let old = small(&home).await;
    let new = home.open().await;
    assert_eq!(take(&new, "new").await, 2);
    let (charge, config) = (new.charge().await.unwrap(), new.load().await.unwrap());
    for epoch in [1, 3, u64::MAX] {
        assert!(is_lost(old.apply(epoch, &[raise("s1", 9), remember("k", "x")]).await));
        assert!(is_lost(old.renew(epoch).await));
        assert!(is_lost(old.release(epoch).await));
    }
    // It is told so even where what it asks for is impossible.
    assert!(is_lost(old.apply(1, &[raise("nope", 9)]).await));
    assert_eq!(new.charge().await.unwrap(), charge);
    assert_eq!(new.load().await.unwrap(), config);
    assert_eq!(answer(&new, "k").await, None);
    new.apply(2, &[raise("s1", 1)]).await.unwrap();
    assert_eq!(vats(&old).await, [1, 0]);
}

pub async fn a_charge_given_back_is_in_charge_of_nothing(home: Home) {
    let store = small(&home).await;
    store.release(1).await.unwrap();
    store.release(1).await.unwrap();
    assert!(store.charge().await.unwrap().released);
    assert!(is_lost(store.renew(1).await));
    assert!(is_lost(store.apply(1, &[raise("s1", 9)]).await));
    assert!(store.charge().await.unwrap().released);
    assert_eq!(vats(&store).await, [0, 0]);
}

pub async fn concurrent_applies_all_count(home: Home) {
    let one = small(&home).await;
    let two = home.open().await;
    let mut tasks = JoinSet::new();
    for n in 1..=40 {
        let store = if n % 2 == 0 { one.clone() } else { two.clone() };
        tasks.spawn(async move {
            let key = format!("k{n}");
            store.apply(1, &[raise("s1", n), remember(&key, "done")]).await.unwrap();
            assert_eq!(answer(&store, &key).await.unwrap(), "done");
            assert!(vats(&store).await[0] >= n, "an acknowledged VAT is not to be seen");
        });
    }
    tasks.join_all().await;
    assert_eq!(vats(&one).await, [40, 0]);
}

pub async fn nothing_is_committed_after_the_charge_was_taken(home: Home) {
    let old = small(&home).await;
    let new = home.open().await;
    let writing = tokio::spawn({
        let old = old.clone();
        async move {
            let mut vat = 0;
            loop {
                match old.apply(1, &[raise("s1", vat + 1)]).await {
                    Ok(()) => vat += 1,
                    Err(MetadataError::ChargeLost { epoch: 1 }) => return vat,
                    Err(e) => panic!("{e}"),
                }
            }
        }
    });
    while vats(&new).await[0] < 3 {
        tokio::task::yield_now().await;
    }
    take(&new, "new").await;
    let at_once = vats(&new).await[0];
    assert_eq!(writing.await.unwrap(), at_once);
    assert_eq!(vats(&new).await[0], at_once);
}

pub async fn an_apply_given_up_half_way_leaves_the_store_usable(home: Home) {
    let store = small(&home).await;
    let changes: Vec<_> = (1..=200).map(|n| remember(&format!("k{n}"), "x")).collect();
    for micros in 0..100 {
        let limit = std::time::Duration::from_micros(micros * 10);
        let _ = tokio::time::timeout(limit, store.apply(1, &changes)).await;
        store.apply(1, &[raise("s1", micros)]).await.unwrap();
        assert_eq!(vats(&store).await[0], micros);
    }
}

pub async fn a_transaction_that_the_database_ends_by_itself_leaves_the_store_usable(home: Home) {
    let store = small(&home).await;
    // As SQLite does where the disk is full or fails.
    home.sql(
        "CREATE TRIGGER failing_disk BEFORE INSERT ON remembered
         BEGIN SELECT RAISE(ROLLBACK, 'disk I/O error'); END",
    )
    .await;
    let changes = [raise("s1", 1), remember("k", "x")];
    let error = store.apply(1, &changes).await.unwrap_err();
    assert!(matches!(error, MetadataError::Storage(_)), "{error}");
    assert_eq!(vats(&store).await, [0, 0]);
    home.sql("DROP TRIGGER failing_disk").await;
    store.apply(1, &changes).await.unwrap();
    assert_eq!(vats(&store).await, [1, 0]);
}
