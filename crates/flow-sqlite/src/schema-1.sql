-- The first schema. A migration is never changed once it is released: a later one follows it.

CREATE TABLE ca_schema (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL
) STRICT;

-- `document` is the verification as JSON. The other columns are what the store searches by.
CREATE TABLE ca_verification (
    id BLOB PRIMARY KEY CHECK (length(id) = 16),
    order_ref TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN
        ('requires_input', 'processing', 'in_review', 'approved', 'declined', 'expired', 'canceled')),
    redaction TEXT NOT NULL CHECK (redaction IN ('none', 'requested', 'done')),
    version INTEGER NOT NULL CHECK (version > 0),
    fence INTEGER NOT NULL DEFAULT 0 CHECK (fence >= 0),
    lease_until INTEGER,
    due_at INTEGER,
    purge_at INTEGER,
    document TEXT NOT NULL
) STRICT;

CREATE INDEX ca_verification_due ON ca_verification (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX ca_verification_purge ON ca_verification (purge_at) WHERE purge_at IS NOT NULL;

CREATE TRIGGER ca_verification_final BEFORE UPDATE OF state ON ca_verification
WHEN OLD.state IN ('approved', 'declined', 'expired', 'canceled') AND NEW.state <> OLD.state
BEGIN SELECT raise(ABORT, 'a final state never changes'); END;

CREATE TRIGGER ca_verification_version BEFORE UPDATE ON ca_verification
WHEN NEW.version <> OLD.version + 1 OR NEW.fence < OLD.fence OR NEW.id <> OLD.id OR NEW.order_ref <> OLD.order_ref
BEGIN SELECT raise(ABORT, 'each change adds one to the version'); END;

CREATE TABLE ca_attempt (
    order_no TEXT PRIMARY KEY,
    verification BLOB NOT NULL REFERENCES ca_verification (id) ON DELETE CASCADE,
    state TEXT NOT NULL CHECK (state IN
        ('reserved', 'open', 'superseded', 'settled', 'expired', 'refused', 'orphaned')),
    certify_id TEXT UNIQUE,
    capability BLOB UNIQUE CHECK (length(capability) = 32)
) STRICT;

CREATE INDEX ca_attempt_verification ON ca_attempt (verification);
CREATE UNIQUE INDEX ca_attempt_open ON ca_attempt (verification) WHERE state = 'open';

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

CREATE TABLE ca_quota (
    day INTEGER NOT NULL,
    subject BLOB NOT NULL CHECK (length(subject) = 32),
    scene TEXT NOT NULL,
    starts INTEGER NOT NULL CHECK (starts > 0),
    UNIQUE (day, subject, scene)
) STRICT;

CREATE TABLE ca_block (
    identity BLOB PRIMARY KEY CHECK (length(identity) = 32),
    until INTEGER NOT NULL
) STRICT;

CREATE INDEX ca_block_until ON ca_block (until);
