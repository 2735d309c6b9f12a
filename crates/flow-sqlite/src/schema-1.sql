-- The first schema. A migration is never changed once it is released: a later one follows it.
--
-- No list of `IN` has more than two values: SQLite puts a longer one into a temporary table each time, which takes as long as the rest of
-- the statement.

CREATE TABLE ca_schema (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL
) STRICT;

-- `document` is the verification as JSON, in the format with this number. The other columns are what the store searches by, and
-- what the constraints compare.
CREATE TABLE ca_verification (
    id BLOB PRIMARY KEY CHECK (length(id) = 16),
    order_ref TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('requires_input', 'processing') OR state = 'in_review'
        OR state IN ('approved', 'declined') OR state IN ('expired', 'canceled')),
    redaction TEXT NOT NULL,
    version INTEGER NOT NULL CHECK (version > 0),
    fence INTEGER NOT NULL DEFAULT 0 CHECK (fence >= 0),
    lease_until INTEGER,
    due_at INTEGER,
    purge_at INTEGER,
    read_again_at INTEGER,
    format INTEGER NOT NULL CHECK (format > 0),
    document TEXT NOT NULL,
    CONSTRAINT ca_verification_document CHECK (
        json_valid(document)
        AND document ->> '$.id' IS lower(hex(id))
        AND document ->> '$.order' IS order_ref
        AND document ->> '$.state' IS state
        AND document ->> '$.redaction' IS redaction
        AND document ->> '$.due_at' IS due_at
        AND document ->> '$.purge_at' IS purge_at),
    CONSTRAINT ca_verification_decision CHECK (
        state NOT IN ('approved', 'declined')
        OR (document ->> '$.decision.record.rule' IS NOT NULL
            AND document ->> '$.decision.record.policy_hash' IS NOT NULL)),
    CONSTRAINT ca_verification_due CHECK (
        due_at IS NOT NULL
        OR (state NOT IN ('requires_input', 'processing') AND state <> 'in_review' AND redaction <> 'requested')),
    CONSTRAINT ca_verification_end CHECK (
        purge_at IS NOT NULL OR (state NOT IN ('approved', 'declined') AND state NOT IN ('expired', 'canceled')))
) STRICT;

-- A queue of results and one of deletions. A document that could not be read is in neither, until the time at which it is tried again.
CREATE INDEX ca_verification_results ON ca_verification (due_at)
WHERE due_at IS NOT NULL AND redaction <> 'requested' AND read_again_at IS NULL;
CREATE INDEX ca_verification_deletions ON ca_verification (due_at)
WHERE due_at IS NOT NULL AND redaction = 'requested' AND read_again_at IS NULL;
CREATE INDEX ca_verification_unreadable ON ca_verification (read_again_at) WHERE read_again_at IS NOT NULL;
CREATE INDEX ca_verification_purge ON ca_verification (purge_at) WHERE purge_at IS NOT NULL;

CREATE TRIGGER ca_verification_final BEFORE UPDATE OF state ON ca_verification
WHEN NEW.state <> OLD.state AND (OLD.state IN ('approved', 'declined') OR OLD.state IN ('expired', 'canceled'))
BEGIN SELECT raise(ABORT, 'a final state never changes'); END;

CREATE TRIGGER ca_verification_version BEFORE UPDATE ON ca_verification
WHEN NEW.version <> OLD.version + 1 OR NEW.fence < OLD.fence OR NEW.id <> OLD.id OR NEW.order_ref <> OLD.order_ref
BEGIN SELECT raise(ABORT, 'each change adds one to the version'); END;

CREATE TABLE ca_attempt (
    order_no TEXT PRIMARY KEY,
    verification BLOB NOT NULL REFERENCES ca_verification (id) ON DELETE CASCADE,
    state TEXT NOT NULL CHECK (state IN ('reserved', 'open') OR state IN ('superseded', 'settled')
        OR state IN ('expired', 'refused') OR state = 'orphaned'),
    certify_id TEXT UNIQUE,
    capability BLOB UNIQUE CHECK (length(capability) = 32),
    next_look_at INTEGER,
    CONSTRAINT ca_attempt_session CHECK (
        state IN ('reserved', 'refused') OR state = 'orphaned' OR certify_id IS NOT NULL),
    CONSTRAINT ca_attempt_look CHECK (
        state <> 'open' OR (next_look_at IS NOT NULL AND capability IS NOT NULL))
) STRICT;

CREATE INDEX ca_attempt_verification ON ca_attempt (verification);
CREATE UNIQUE INDEX ca_attempt_busy ON ca_attempt (verification) WHERE state IN ('reserved', 'open');

CREATE TRIGGER ca_attempt_unchanged BEFORE UPDATE ON ca_attempt
WHEN NEW.order_no <> OLD.order_no OR NEW.verification <> OLD.verification
    OR (OLD.certify_id IS NOT NULL AND NEW.certify_id IS NOT OLD.certify_id)
BEGIN SELECT raise(ABORT, 'an attempt keeps its numbers until the purge'); END;

CREATE TRIGGER ca_attempt_kept BEFORE DELETE ON ca_attempt
WHEN EXISTS (SELECT 1 FROM ca_verification WHERE id = OLD.verification)
BEGIN SELECT raise(ABORT, 'an attempt is deleted with its verification only'); END;

-- AUTOINCREMENT: a place in the sequence is never used again, not even after a purge.
CREATE TABLE ca_event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    verification BLOB NOT NULL REFERENCES ca_verification (id) ON DELETE CASCADE,
    n INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    prev BLOB NOT NULL CHECK (length(prev) = 32),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    UNIQUE (verification, n)
) STRICT;

CREATE TRIGGER ca_event_gapless BEFORE INSERT ON ca_event
WHEN NEW.n <> 1 + coalesce((SELECT max(n) FROM ca_event WHERE verification = NEW.verification), 0)
BEGIN SELECT raise(ABORT, 'the events of a verification have no gap'); END;

CREATE TRIGGER ca_event_chain BEFORE INSERT ON ca_event
WHEN NEW.prev <> (SELECT hash FROM ca_event WHERE verification = NEW.verification AND n = NEW.n - 1)
BEGIN SELECT raise(ABORT, 'an event follows the one before it'); END;

CREATE TRIGGER ca_event_unchanged BEFORE UPDATE ON ca_event
BEGIN SELECT raise(ABORT, 'an event never changes'); END;

CREATE TRIGGER ca_event_kept BEFORE DELETE ON ca_event
WHEN EXISTS (SELECT 1 FROM ca_verification WHERE id = OLD.verification)
BEGIN SELECT raise(ABORT, 'an event is deleted with its verification only'); END;

-- Counts and blocks have no digest of a person as such, only one with this salt: a redaction need not search them. Digests of
-- different days are different.
CREATE TABLE ca_salt (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    salt BLOB NOT NULL CHECK (length(salt) = 32)
) STRICT;

INSERT INTO ca_salt VALUES (1, randomblob(32));

CREATE TABLE ca_quota (
    day INTEGER NOT NULL,
    person BLOB NOT NULL CHECK (length(person) = 32),
    scene TEXT NOT NULL,
    starts INTEGER NOT NULL CHECK (starts >= 0),
    UNIQUE (day, person, scene)
) STRICT;

CREATE TABLE ca_block (
    person BLOB PRIMARY KEY CHECK (length(person) = 32),
    until INTEGER NOT NULL
) STRICT;

CREATE INDEX ca_block_until ON ca_block (until);

-- The calls of the last second that had one.
CREATE TABLE ca_calls (
    operation TEXT PRIMARY KEY,
    second INTEGER NOT NULL,
    calls INTEGER NOT NULL CHECK (calls >= 0)
) STRICT;

-- Webhooks ---------------------------------------------------------------------------------------------------------------------

-- The endpoints. Their addresses and secrets are not in the database.
CREATE TABLE ca_endpoint (
    id TEXT PRIMARY KEY
) STRICT;

-- The deliveries that are not done. A claim makes one due again at the end of its lease; a dead one is never due. No reference to
-- the endpoint: its deliveries are deleted in batches.
CREATE TABLE ca_delivery (
    endpoint TEXT NOT NULL,
    seq INTEGER NOT NULL REFERENCES ca_event (seq) ON DELETE CASCADE,
    due_at INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    fence INTEGER NOT NULL DEFAULT 0 CHECK (fence >= 0),
    PRIMARY KEY (endpoint, seq)
) STRICT;

CREATE INDEX ca_delivery_event ON ca_delivery (seq);
CREATE INDEX ca_delivery_due ON ca_delivery (endpoint, due_at, seq);

-- In the transaction of the event, also for rows that `commit_in` writes.
CREATE TRIGGER ca_event_delivery AFTER INSERT ON ca_event WHEN NEW.kind GLOB 'verification.*'
BEGIN INSERT INTO ca_delivery (endpoint, seq, due_at) SELECT id, NEW.seq, NEW.at FROM ca_endpoint; END;
