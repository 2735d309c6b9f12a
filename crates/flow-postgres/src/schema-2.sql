-- The second schema: start pages. A migration is never changed once it is released: a later one follows it.

-- A page of an order and the key of one request. It has a sealed identity while it waits, then the sealed link. The key is not in the
-- database. `until` is when that is erased; afterwards, when the row is deleted. All times are those of the database.
CREATE TABLE ca_page (
    capability bytea CONSTRAINT ca_page_capability PRIMARY KEY CHECK (octet_length(capability) = 32),
    order_ref text NOT NULL,
    key text NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'linked', 'used', 'expired')),
    request text,
    sealed bytea CHECK (octet_length(sealed) <= 8192),
    until bigint NOT NULL,
    UNIQUE (order_ref, key),
    CONSTRAINT ca_page_sealed CHECK ((sealed IS NOT NULL) = (state IN ('waiting', 'linked'))),
    CONSTRAINT ca_page_request CHECK ((request IS NULL) = (sealed IS NULL))
);

-- A sweep reads neither the pages that have time left nor those that are only remembered.
CREATE INDEX ca_page_over ON ca_page (until) WHERE sealed IS NOT NULL;
CREATE INDEX ca_page_forgotten ON ca_page (until) WHERE sealed IS NULL;

CREATE TRIGGER ca_page_used BEFORE UPDATE ON ca_page FOR EACH ROW
WHEN (OLD.state IN ('linked', 'used') AND NEW.state NOT IN ('linked', 'used'))
EXECUTE FUNCTION ca_refuse('a page that was used stays used');

-- Keeps a page, unless one of the same request was used. Returns whether it did.
CREATE FUNCTION ca_open_page(
    schema integer, c_capability bytea, c_order text, c_key text, c_request text, c_sealed bytea, lifetime bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ca_check(schema);
    INSERT INTO ca_page AS p (capability, order_ref, key, state, request, sealed, until)
    VALUES (c_capability, c_order, c_key, 'waiting', c_request, c_sealed, ca_clock() + least(lifetime, 600000))
    ON CONFLICT (order_ref, key) DO UPDATE SET capability = excluded.capability, state = excluded.state,
        request = excluded.request, sealed = excluded.sealed, until = excluded.until
    WHERE p.state IN ('waiting', 'expired');
    RETURN FOUND;
END $$;

-- Ends the page of a commit, whose link is for the page with this capability only; and the pages of the order of a final verification.
CREATE FUNCTION ca_end_pages(c_order text, c_state text, c_key text, c_capability bytea, c_sealed bytea)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE forget bigint := ca_clock() + 86400000;
BEGIN
    IF c_sealed IS NOT NULL THEN
        UPDATE ca_page SET state = 'linked', sealed = c_sealed, until = ca_clock() + 600000
        WHERE order_ref = c_order AND key = c_key AND capability = c_capability AND state = 'waiting';
    END IF;
    IF c_key IS NOT NULL THEN
        UPDATE ca_page SET state = 'used', request = NULL, sealed = NULL, until = forget
        WHERE order_ref = c_order AND key = c_key AND state = 'waiting';
    END IF;
    IF c_state IN ('approved', 'declined', 'expired', 'canceled') THEN
        UPDATE ca_page SET state = 'used', request = NULL, sealed = NULL, until = forget
        WHERE order_ref = c_order AND sealed IS NOT NULL;
    END IF;
END $$;

-- Erases what is over: before now, or later than a lifetime from now, by a clock that was wrong. Forgets what ended a day ago. The
-- order makes each search read its index.
CREATE FUNCTION ca_erase_pages(schema integer, most bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE now bigint := ca_clock(); erased bigint; forgotten bigint;
BEGIN
    PERFORM ca_check(schema);
    UPDATE ca_page SET state = CASE state WHEN 'waiting' THEN 'expired' ELSE 'used' END, request = NULL, sealed = NULL,
        until = now + 86400000
    WHERE capability = ANY (ARRAY(
        SELECT capability FROM ca_page WHERE sealed IS NOT NULL AND until <= now
        ORDER BY until LIMIT most FOR UPDATE SKIP LOCKED
    ) || ARRAY(
        SELECT capability FROM ca_page WHERE sealed IS NOT NULL AND until > now + 600000
        ORDER BY until LIMIT most FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS erased = ROW_COUNT;
    DELETE FROM ca_page WHERE capability = ANY (ARRAY(
        SELECT capability FROM ca_page WHERE sealed IS NULL AND until <= now
        ORDER BY until LIMIT most FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    RETURN erased + forgotten;
END $$;
