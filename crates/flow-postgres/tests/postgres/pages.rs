//! Start pages: what a sweep reads.

use crate::common::Schema;

/// A hundred thousand pages have time left, and as many are remembered for a day: a sweep reads the three that are over.
#[tokio::test]
#[ignore = "needs a server: cargo xtask postgres"]
async fn a_sweep_reads_only_what_is_over() {
    let schema = Schema::new().await;
    let _store = schema.store().await;
    let mut client = schema.connect().await;
    let insert = "INSERT INTO ca_page (capability, order_ref, key, state, request, sealed, until) \
        SELECT sha256(($2 || $4 || n)::bytea), $2 || $4, n, $2, CASE WHEN $3 THEN '{}' END, \
               CASE WHEN $3 THEN '\\x07'::bytea END, ca_clock() + $4::bigint FROM generate_series(1, $1::bigint) AS n";
    for (pages, state, is_sealed, until) in [
        (100_000_i64, "waiting", true, "300000"),
        (100_000, "used", false, "80000000"),
        (1, "linked", true, "-1"),
        (1, "linked", true, "900000"),
        (1, "expired", false, "-1"),
    ] {
        client.execute(insert, &[&pages, &state, &is_sealed, &until]).await.unwrap();
    }
    // As autovacuum does, or before it does.
    for statistics in ["ANALYZE ca_page", "DELETE FROM pg_statistic WHERE starelid = 'ca_page'::regclass"] {
        client.batch_execute(statistics).await.unwrap();
        let sweep = client.transaction().await.unwrap();
        let erased: i64 = sweep.query_one("SELECT ca_erase_pages(2, 1000)", &[]).await.unwrap().get(0);
        let read = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relid = 'ca_page'::regclass";
        let read: i64 = sweep.query_one(read, &[]).await.unwrap().get(0);
        assert!(erased == 3 && read < 100, "{erased} pages, {read} rows read, after {statistics}");
    }
}
