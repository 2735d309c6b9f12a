-- The first schema. A migration is never changed once it is released: a later one follows it.

CREATE TABLE ca_schema (
    one integer PRIMARY KEY CHECK (one = 1),
    version integer NOT NULL
);

-- `document` is the verification as JSON, in the format with this number. The other columns are what the store searches by, and
-- what the constraints compare.
CREATE TABLE ca_verification (
    id bytea PRIMARY KEY CHECK (octet_length(id) = 16),
    order_ref text NOT NULL UNIQUE,
    state text NOT NULL CHECK (state IN
        ('requires_input', 'processing', 'in_review', 'approved', 'declined', 'expired', 'canceled')),
    redaction text NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    fence bigint NOT NULL DEFAULT 0 CHECK (fence >= 0),
    lease_until bigint,
    due_at bigint,
    purge_at bigint,
    read_again_at bigint,
    format integer NOT NULL CHECK (format > 0),
    document jsonb NOT NULL,
    CONSTRAINT ca_verification_due CHECK (
        due_at IS NOT NULL OR (state NOT IN ('requires_input', 'processing', 'in_review') AND redaction <> 'requested')),
    CONSTRAINT ca_verification_end CHECK (
        purge_at IS NOT NULL OR state NOT IN ('approved', 'declined', 'expired', 'canceled'))
) WITH (fillfactor = 70);

-- A queue of results and one of deletions. A document that could not be read is in neither, until the time at which it is tried
-- again. No index has the lease: a claim and a release change no index. A claim reads past what other workers have claimed.
CREATE INDEX ca_verification_results ON ca_verification (due_at)
WHERE due_at IS NOT NULL AND redaction <> 'requested' AND read_again_at IS NULL;
CREATE INDEX ca_verification_deletions ON ca_verification (due_at)
WHERE due_at IS NOT NULL AND redaction = 'requested' AND read_again_at IS NULL;
CREATE INDEX ca_verification_unreadable ON ca_verification (read_again_at) WHERE read_again_at IS NOT NULL;
CREATE INDEX ca_verification_purge_at ON ca_verification (purge_at) WHERE purge_at IS NOT NULL;

CREATE FUNCTION ca_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = '23514'; END $$;

-- Not checks: a claim changes none of these columns, and would read the document of each row for a check.
CREATE TRIGGER ca_verification_document
BEFORE INSERT OR UPDATE OF id, order_ref, state, redaction, due_at, purge_at, document ON ca_verification FOR EACH ROW
WHEN (NEW.document ->> 'id' IS DISTINCT FROM encode(NEW.id, 'hex')
    OR NEW.document ->> 'order' IS DISTINCT FROM NEW.order_ref
    OR NEW.document ->> 'state' IS DISTINCT FROM NEW.state
    OR NEW.document ->> 'redaction' IS DISTINCT FROM NEW.redaction
    OR (NEW.document ->> 'due_at')::bigint IS DISTINCT FROM NEW.due_at
    OR (NEW.document ->> 'purge_at')::bigint IS DISTINCT FROM NEW.purge_at)
EXECUTE FUNCTION ca_refuse('the document differs from its columns');

CREATE TRIGGER ca_verification_decision BEFORE INSERT OR UPDATE OF state, document ON ca_verification FOR EACH ROW
WHEN (NEW.state IN ('approved', 'declined')
    AND (NEW.document #>> '{decision,record,rule}' IS NULL
        OR NEW.document #>> '{decision,record,policy_hash}' IS NULL))
EXECUTE FUNCTION ca_refuse('a decision has a policy and a rule');

CREATE TRIGGER ca_verification_final BEFORE UPDATE ON ca_verification FOR EACH ROW
WHEN (OLD.state IN ('approved', 'declined', 'expired', 'canceled') AND NEW.state <> OLD.state)
EXECUTE FUNCTION ca_refuse('a final state never changes');

CREATE TRIGGER ca_verification_version BEFORE UPDATE ON ca_verification FOR EACH ROW
WHEN (NEW.version <> OLD.version + 1 OR NEW.fence < OLD.fence OR NEW.id <> OLD.id OR NEW.order_ref <> OLD.order_ref)
EXECUTE FUNCTION ca_refuse('each change adds one to the version');

CREATE TABLE ca_attempt (
    order_no text PRIMARY KEY,
    verification bytea NOT NULL REFERENCES ca_verification (id) ON DELETE CASCADE,
    state text NOT NULL CHECK (state IN
        ('reserved', 'open', 'superseded', 'settled', 'expired', 'refused', 'orphaned')),
    certify_id text CONSTRAINT ca_attempt_certify_id UNIQUE,
    capability bytea CONSTRAINT ca_attempt_capability UNIQUE CHECK (octet_length(capability) = 32),
    next_look_at bigint,
    CONSTRAINT ca_attempt_session CHECK (
        state IN ('reserved', 'refused', 'orphaned') OR certify_id IS NOT NULL),
    CONSTRAINT ca_attempt_look CHECK (
        state <> 'open' OR (next_look_at IS NOT NULL AND capability IS NOT NULL))
) WITH (fillfactor = 70);

CREATE INDEX ca_attempt_verification ON ca_attempt (verification);
CREATE UNIQUE INDEX ca_attempt_busy ON ca_attempt (verification) WHERE state IN ('reserved', 'open');

CREATE TRIGGER ca_attempt_unchanged BEFORE UPDATE ON ca_attempt FOR EACH ROW
WHEN (NEW.order_no <> OLD.order_no OR NEW.verification <> OLD.verification
      OR OLD.certify_id IS NOT NULL AND NEW.certify_id IS DISTINCT FROM OLD.certify_id)
EXECUTE FUNCTION ca_refuse('an attempt keeps its numbers until the purge');

CREATE FUNCTION ca_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM ca_verification WHERE id = OLD.verification) THEN
        RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = '23514';
    END IF;
    RETURN OLD;
END $$;

CREATE TRIGGER ca_attempt_kept BEFORE DELETE ON ca_attempt FOR EACH ROW
EXECUTE FUNCTION ca_kept('an attempt is deleted with its verification only');

CREATE TABLE ca_event (
    seq bigint GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME ca_event_seq) PRIMARY KEY,
    verification bytea NOT NULL REFERENCES ca_verification (id) ON DELETE CASCADE,
    n bigint NOT NULL CHECK (n > 0),
    at bigint NOT NULL,
    kind text NOT NULL,
    body text NOT NULL,
    prev bytea NOT NULL CHECK (octet_length(prev) = 32),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    UNIQUE (verification, n)
);

CREATE FUNCTION ca_chain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.n > 1 AND NEW.prev IS DISTINCT FROM
        (SELECT hash FROM ca_event WHERE verification = NEW.verification AND n = NEW.n - 1)
    THEN
        RAISE EXCEPTION 'an event follows the one before it' USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER ca_event_chain BEFORE INSERT ON ca_event FOR EACH ROW EXECUTE FUNCTION ca_chain();
CREATE TRIGGER ca_event_unchanged BEFORE UPDATE ON ca_event FOR EACH ROW
EXECUTE FUNCTION ca_refuse('an event never changes');
CREATE TRIGGER ca_event_kept BEFORE DELETE ON ca_event FOR EACH ROW
EXECUTE FUNCTION ca_kept('an event is deleted with its verification only');

-- Counts and blocks have no digest of a person as such, only one with this salt: a redaction need not search them. Digests of
-- different days are different.
CREATE TABLE ca_salt (
    one integer PRIMARY KEY CHECK (one = 1),
    salt bytea NOT NULL CHECK (octet_length(salt) = 32)
);

INSERT INTO ca_salt VALUES (1, uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

CREATE TABLE ca_quota (
    day integer NOT NULL,
    person bytea NOT NULL CHECK (octet_length(person) = 32),
    scene text NOT NULL,
    starts bigint NOT NULL CHECK (starts >= 0),
    PRIMARY KEY (day, person, scene)
);

CREATE TABLE ca_block (
    person bytea PRIMARY KEY CHECK (octet_length(person) = 32),
    until bigint NOT NULL
);

CREATE INDEX ca_block_until ON ca_block (until);

-- The calls of the current second. Unlogged: after a crash the second is over.
CREATE UNLOGGED TABLE ca_calls (
    operation text PRIMARY KEY,
    second bigint NOT NULL,
    calls bigint NOT NULL CHECK (calls >= 0)
);

-- Refuses a program of another schema. The lock on the table makes a migration wait for it.
CREATE FUNCTION ca_check(schema integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT version FROM ca_schema) IS DISTINCT FROM schema THEN
        RAISE EXCEPTION 'another version migrated the tables' USING ERRCODE = 'CA004';
    END IF;
END $$;

-- The digest of a person for the counts of a day.
CREATE FUNCTION ca_counted(person bytea, day integer) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(salt || person || int4send(day)) FROM ca_salt
$$;

-- The digest of a person for the blocks.
CREATE FUNCTION ca_blocked(person bytea) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(salt || person) FROM ca_salt
$$;

-- The time of the database, in milliseconds since 1970.
CREATE FUNCTION ca_clock() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint
$$;

-- A time of a caller, or that of the database if the caller's clock is ahead.
CREATE FUNCTION ca_now(now bigint) RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT least(now, ca_clock())
$$;

-- The time by which leases begin and end: that of the database, so that no lease is shorter under a clock that is behind. A caller
-- whose time is more than ten minutes behind has another time on purpose, such as a test.
CREATE FUNCTION ca_lease_clock(now bigint) RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT CASE WHEN now >= clock - 600000 THEN clock ELSE now END FROM (SELECT ca_clock() AS clock) AS clocks
$$;

-- Announces the places of events that this transaction may still take: until it ends, readers stop before them; see ca_events.
--
-- The lock is on the current end of the sequence, and each place that is taken later is after that. One lock is enough for a
-- transaction with many commits. The setting ends with the transaction, and a rollback to a savepoint undoes both.
CREATE FUNCTION ca_announce() RETURNS void LANGUAGE plpgsql AS $$
DECLARE sequence oid := 'ca_event_seq'::regclass;
BEGIN
    IF current_setting('cloudauth.announced', true) IS DISTINCT FROM sequence::text THEN
        -- The low 32 bits of the place: a lock has no room for more.
        PERFORM pg_advisory_xact_lock_shared(sequence::bigint::bit(32)::integer, last_value::bit(32)::integer) FROM ca_event_seq;
        PERFORM set_config('cloudauth.announced', sequence::text, true);
    END IF;
END $$;

-- One commit. Errors: CA001 another version, CA002 a limit, CA003 a number of another verification, CA004 another schema.
CREATE FUNCTION ca_commit(
    schema integer, c_id bytea, c_order text, c_state text, c_redaction text, c_due bigint, c_purge bigint, c_format integer,
    c_document text, c_expected bigint, c_release boolean,
    a_order_no text[], a_state text[], a_certify_id text[], a_capability bytea[], a_next_look_at bigint[],
    t_subject bytea, t_scene text, t_day integer, t_limit bigint, t_identity bytea, t_at bigint,
    b_identity bytea, b_until bigint,
    e_n bigint[], e_at bigint[], e_kind text[], e_body text[], e_prev bytea[], e_hash bytea[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE changed integer;
BEGIN
    PERFORM ca_check(schema);
    IF c_expected IS NULL THEN
        INSERT INTO ca_verification
            (id, order_ref, state, redaction, version, due_at, purge_at, format, document)
        VALUES (c_id, c_order, c_state, c_redaction, 1, c_due, c_purge, c_format, c_document::jsonb)
        ON CONFLICT DO NOTHING;
    ELSE
        UPDATE ca_verification SET state = c_state, redaction = c_redaction, version = version + 1, due_at = c_due,
            purge_at = c_purge, format = c_format, document = c_document::jsonb,
            lease_until = CASE WHEN c_release THEN NULL ELSE lease_until END, read_again_at = NULL
        WHERE id = c_id AND order_ref = c_order AND version = c_expected;
    END IF;
    GET DIAGNOSTICS changed = ROW_COUNT;
    IF changed = 0 THEN
        RAISE EXCEPTION 'another version' USING ERRCODE = 'CA001';
    END IF;

    INSERT INTO ca_attempt AS a (order_no, verification, state, certify_id, capability, next_look_at)
    SELECT n, c_id, s, c, p, l FROM unnest(a_order_no, a_state, a_certify_id, a_capability, a_next_look_at) AS u (n, s, c, p, l)
    ON CONFLICT (order_no) DO UPDATE SET state = excluded.state, certify_id = excluded.certify_id,
        capability = excluded.capability, next_look_at = excluded.next_look_at
    WHERE a.verification = excluded.verification;
    GET DIAGNOSTICS changed = ROW_COUNT;
    IF changed <> cardinality(a_order_no) THEN
        RAISE EXCEPTION 'a number of another verification' USING ERRCODE = 'CA003';
    END IF;

    IF t_subject IS NOT NULL AND t_limit IS NULL THEN
        -- A start that was not executed.
        UPDATE ca_quota SET starts = starts - 1
        WHERE day = t_day AND person = ca_counted(t_subject, t_day) AND scene = t_scene AND starts > 0;
    ELSIF t_subject IS NOT NULL THEN
        IF t_limit = 0 OR EXISTS (SELECT FROM ca_block WHERE person = ca_blocked(t_identity) AND until > t_at) THEN
            RAISE EXCEPTION 'a limit' USING ERRCODE = 'CA002';
        END IF;
        INSERT INTO ca_quota AS q VALUES (t_day, ca_counted(t_subject, t_day), t_scene, 1)
        ON CONFLICT (day, person, scene) DO UPDATE SET starts = q.starts + 1 WHERE q.starts < t_limit;
        GET DIAGNOSTICS changed = ROW_COUNT;
        IF changed = 0 THEN
            RAISE EXCEPTION 'a limit' USING ERRCODE = 'CA002';
        END IF;
    END IF;
    IF b_identity IS NOT NULL THEN
        INSERT INTO ca_block AS b VALUES (ca_blocked(b_identity), b_until)
        ON CONFLICT (person) DO UPDATE SET until = greatest(b.until, excluded.until);
    END IF;

    IF cardinality(e_n) > 0 THEN
        PERFORM ca_announce();
        INSERT INTO ca_event (verification, n, at, kind, body, prev, hash)
        SELECT c_id, n, at, kind, body, prev, hash
        FROM unnest(e_n, e_at, e_kind, e_body, e_prev, e_hash) AS u (n, at, kind, body, prev, hash) ORDER BY n;
    END IF;
END $$;

-- The events after a place, up to the first place that a running transaction may still take.
--
-- A transaction takes its places and commits later, so a place may appear after a later one. Before a transaction takes its first
-- place, it locks the current end of the sequence (ca_announce). Here, in this order: read the end, then the locks, then the
-- events. A transaction whose lock is not seen has either ended, and its events are visible, or takes places after the end that was
-- read. It needs a snapshot for each statement, and the locks of the primary server.
CREATE FUNCTION ca_events(schema integer, after bigint, most bigint) RETURNS TABLE (
    r_seq bigint, r_verification bytea, r_order text, r_n bigint, r_at bigint, r_kind text, r_body text, r_prev bytea,
    r_hash bytea
) LANGUAGE plpgsql VOLATILE AS $$
DECLARE last bigint; open bigint;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' OR pg_is_in_recovery() THEN
        RAISE EXCEPTION 'events are read from the primary server, in isolation level read committed' USING ERRCODE = 'CA005';
    END IF;
    PERFORM ca_check(schema);
    SELECT last_value INTO last FROM ca_event_seq;
    -- The locked place from its low 32 bits. A distance of more than half of them is that of a place after the end.
    SELECT min(last - distance) INTO open
    FROM (
        SELECT (last - objid::bigint) & x'ffffffff'::bigint AS distance FROM pg_locks
        WHERE locktype = 'advisory' AND classid = 'ca_event_seq'::regclass::oid AND objsubid = 2
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ) AS locks
    WHERE distance < x'80000000'::bigint;
    RETURN QUERY
    SELECT seq, verification, order_ref, n, at, kind, body, prev, hash
    FROM ca_event JOIN ca_verification ON id = verification
    WHERE seq > after AND seq <= least(last, open) ORDER BY seq LIMIT most;
END $$;

-- Claims what is due and free, the longest due first. Claims that run at once share nothing and do not wait. A lease that ends later
-- than `LONGEST_SKEW` after a new one is over.
CREATE FUNCTION ca_claim(schema integer, c_format integer, claimed_at bigint, lease bigint, most bigint, deletions boolean)
RETURNS SETOF ca_verification LANGUAGE plpgsql AS $$
DECLARE now bigint := ca_now(claimed_at); clock bigint := ca_lease_clock(claimed_at); claimed bytea[];
BEGIN
    PERFORM ca_check(schema);
    -- One document is read again at a time, so that many of them delay no other.
    UPDATE ca_verification SET version = version + 1, read_again_at = NULL
    WHERE id = (SELECT id FROM ca_verification WHERE read_again_at <= now ORDER BY read_again_at LIMIT 1 FOR UPDATE SKIP LOCKED);
    -- A search for each queue, with the condition of its index.
    IF deletions THEN
        claimed := ARRAY(
            SELECT id FROM ca_verification WHERE due_at <= now AND redaction = 'requested' AND read_again_at IS NULL
                AND (lease_until IS NULL OR lease_until <= clock OR lease_until > clock + lease + 600000) AND format <= c_format
            ORDER BY due_at LIMIT most FOR UPDATE SKIP LOCKED);
    ELSE
        claimed := ARRAY(
            SELECT id FROM ca_verification WHERE due_at <= now AND redaction <> 'requested' AND read_again_at IS NULL
                AND (lease_until IS NULL OR lease_until <= clock OR lease_until > clock + lease + 600000) AND format <= c_format
            ORDER BY due_at LIMIT most FOR UPDATE SKIP LOCKED);
    END IF;
    RETURN QUERY
    UPDATE ca_verification SET version = version + 1, fence = fence + 1, lease_until = clock + lease
    WHERE id = ANY (claimed)
    RETURNING *;
END $$;

-- Marks documents that could not be read: claims pass over them until then.
CREATE FUNCTION ca_pass_over(schema integer, ids bytea[], claimed_at bigint, pause bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ca_check(schema);
    UPDATE ca_verification SET version = version + 1, read_again_at = ca_now(claimed_at) + pause WHERE id = ANY (ids);
END $$;

-- Deletes what is over.
CREATE FUNCTION ca_purge(schema integer, purged_at bigint, most bigint, most_counts bigint)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    now bigint := ca_now(purged_at);
    today integer := (now / 1000 + 28800) / 86400;
    purged bigint;
BEGIN
    PERFORM ca_check(schema);
    DELETE FROM ca_verification WHERE id = ANY (ARRAY(
        SELECT id FROM ca_verification WHERE purge_at <= now AND redaction <> 'requested'
        ORDER BY purge_at LIMIT most FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS purged = ROW_COUNT;
    -- The conditions again: a commit may extend a block between the search and the deletion.
    DELETE FROM ca_quota WHERE day < today AND ctid = ANY (ARRAY(SELECT ctid FROM ca_quota WHERE day < today LIMIT most_counts));
    DELETE FROM ca_block WHERE until <= now AND ctid = ANY (ARRAY(SELECT ctid FROM ca_block WHERE until <= now LIMIT most_counts));
    RETURN purged;
END $$;

-- Reserves calls in the current second of the database.
CREATE FUNCTION ca_reserve(schema integer, c_operation text, want bigint, most bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE now bigint; reserved bigint; granted bigint;
BEGIN
    PERFORM ca_check(schema);
    INSERT INTO ca_calls VALUES (c_operation, 0, 0) ON CONFLICT DO NOTHING;
    PERFORM FROM ca_calls WHERE operation = c_operation FOR UPDATE;
    -- After the lock: the second may have ended.
    now := floor(extract(epoch FROM clock_timestamp()));
    SELECT CASE WHEN second = now THEN calls ELSE 0 END INTO STRICT reserved FROM ca_calls WHERE operation = c_operation;
    granted := least(want, greatest(most - reserved, 0));
    UPDATE ca_calls SET second = now, calls = reserved + granted WHERE operation = c_operation;
    RETURN granted;
END $$;

-- Webhooks ---------------------------------------------------------------------------------------------------------------------

-- The endpoints. Their addresses and secrets are not in the database.
CREATE TABLE ca_endpoint (
    id text PRIMARY KEY
);

-- The deliveries that are not done. A claim makes one due again at the end of its lease; a dead one is never due. No reference to
-- the endpoint: every commit would lock its row.
CREATE TABLE ca_delivery (
    endpoint text NOT NULL,
    seq bigint NOT NULL REFERENCES ca_event (seq) ON DELETE CASCADE,
    due_at bigint,
    attempts bigint NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    fence bigint NOT NULL DEFAULT 0 CHECK (fence >= 0),
    PRIMARY KEY (endpoint, seq)
);

CREATE INDEX ca_delivery_event ON ca_delivery (seq);
CREATE INDEX ca_delivery_due ON ca_delivery (endpoint, due_at, seq);

CREATE FUNCTION ca_deliver() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ca_delivery (endpoint, seq, due_at)
    SELECT e.id, a.seq, a.at FROM ca_endpoint AS e CROSS JOIN added AS a WHERE a.kind LIKE 'verification.%';
    RETURN NULL;
END $$;

-- In the transaction of the events, also for those that `commit_in` writes.
CREATE TRIGGER ca_event_delivery AFTER INSERT ON ca_event REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION ca_deliver();

CREATE FUNCTION ca_subscribe(schema integer, c_endpoint text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ca_check(schema);
    INSERT INTO ca_endpoint VALUES (c_endpoint) ON CONFLICT DO NOTHING;
END $$;

-- Waits for the commits that run, so that none of them adds a delivery afterwards. Others wait behind it: it gives up after two
-- seconds, for a transaction of the service that stays open.
CREATE FUNCTION ca_unsubscribe(schema integer, c_endpoint text) RETURNS void LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
BEGIN
    PERFORM ca_check(schema);
    LOCK TABLE ca_delivery IN SHARE ROW EXCLUSIVE MODE;
    DELETE FROM ca_endpoint WHERE id = c_endpoint;
END $$;

-- Deletes deliveries of an endpoint that is removed. Returns how many.
CREATE FUNCTION ca_delete_deliveries(schema integer, c_endpoint text, most bigint)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE deleted bigint;
BEGIN
    PERFORM ca_check(schema);
    DELETE FROM ca_delivery WHERE endpoint = c_endpoint
        AND NOT EXISTS (SELECT FROM ca_endpoint WHERE id = c_endpoint)
        AND seq = ANY (ARRAY(SELECT seq FROM ca_delivery WHERE endpoint = c_endpoint LIMIT most));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END $$;

-- Claims the deliveries of an endpoint that are due, the longest due first.
CREATE FUNCTION ca_claim_deliveries(schema integer, c_endpoint text, claimed_at bigint, lease bigint, most bigint)
RETURNS TABLE (
    r_n bigint, r_at bigint, r_kind text, r_body text, r_prev bytea, r_hash bytea, r_seq bigint, r_verification bytea,
    r_order text, r_attempts bigint, r_fence bigint
) LANGUAGE plpgsql AS $$
DECLARE now bigint := ca_now(claimed_at);
BEGIN
    PERFORM ca_check(schema);
    RETURN QUERY
    WITH claimed AS (
        UPDATE ca_delivery SET due_at = now + lease, fence = fence + 1
        WHERE endpoint = c_endpoint AND seq = ANY (ARRAY(
            SELECT seq FROM ca_delivery WHERE endpoint = c_endpoint AND due_at <= now
            ORDER BY due_at, seq LIMIT most FOR UPDATE SKIP LOCKED))
        RETURNING seq, attempts, fence)
    SELECT e.n, e.at, e.kind, e.body, e.prev, e.hash, e.seq, e.verification, v.order_ref, c.attempts + 1, c.fence
    FROM claimed AS c JOIN ca_event AS e ON e.seq = c.seq JOIN ca_verification AS v ON v.id = e.verification
    ORDER BY e.seq;
END $$;

-- Ends the claim with this fence: done, or due again, or dead.
CREATE FUNCTION ca_end_delivery(
    schema integer, c_endpoint text, c_seq bigint, c_fence bigint, done boolean, c_due bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ca_check(schema);
    IF done THEN
        DELETE FROM ca_delivery WHERE endpoint = c_endpoint AND seq = c_seq AND fence = c_fence;
    ELSE
        UPDATE ca_delivery SET due_at = c_due, attempts = attempts + CASE WHEN c_due IS NULL THEN 0 ELSE 1 END
        WHERE endpoint = c_endpoint AND seq = c_seq AND fence = c_fence;
    END IF;
    RETURN FOUND;
END $$;

-- Makes dead deliveries due again.
CREATE FUNCTION ca_revive_deliveries(schema integer, c_endpoint text, revived_at bigint, most bigint)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE revived bigint;
BEGIN
    PERFORM ca_check(schema);
    UPDATE ca_delivery SET due_at = revived_at, attempts = 0 WHERE endpoint = c_endpoint AND seq = ANY (ARRAY(
        SELECT seq FROM ca_delivery WHERE endpoint = c_endpoint AND due_at IS NULL LIMIT most FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS revived = ROW_COUNT;
    RETURN revived;
END $$;
