-- The second schema: start pages. A migration is never changed once it is released: a later one follows it.

-- A page of an order and the key of one request. It has a sealed identity while it waits, then the sealed link. The key is not in the
-- database. `until` is when that is erased; afterwards, when the row is deleted.
CREATE TABLE ca_page (
    capability BLOB PRIMARY KEY CHECK (length(capability) = 32),
    order_ref TEXT NOT NULL,
    key TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'linked') OR state IN ('used', 'expired')),
    request TEXT,
    sealed BLOB CHECK (length(sealed) <= 8192),
    until INTEGER NOT NULL,
    UNIQUE (order_ref, key),
    CONSTRAINT ca_page_sealed CHECK ((sealed IS NOT NULL) = (state IN ('waiting', 'linked'))),
    CONSTRAINT ca_page_request CHECK ((request IS NULL) = (sealed IS NULL))
) STRICT, WITHOUT ROWID;

-- A sweep reads neither the pages that have time left nor those that are only remembered.
CREATE INDEX ca_page_over ON ca_page (until) WHERE sealed IS NOT NULL;
CREATE INDEX ca_page_forgotten ON ca_page (until) WHERE sealed IS NULL;

-- A page that was used never has an identity again.
CREATE TRIGGER ca_page_used BEFORE UPDATE ON ca_page
WHEN OLD.state IN ('linked', 'used') AND NEW.state NOT IN ('linked', 'used')
BEGIN SELECT raise(ABORT, 'a page that was used stays used'); END;
