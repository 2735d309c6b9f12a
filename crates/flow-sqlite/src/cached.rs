//! A connection that keeps prepared statements: those of a commit are prepared once. To prepare them takes as long as to run them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Deref;

use rusqlite::{Connection, Params, Row, Statement};

/// A connection and its statements. Use it for statements whose number is limited.
pub(crate) struct Cached<'c> {
    connection: &'c Connection,
    statements: RefCell<HashMap<Box<str>, Statement<'c>>>,
}

impl<'c> Cached<'c> {
    pub(crate) fn new(connection: &'c Connection) -> Self {
        Self { connection, statements: RefCell::default() }
    }

    /// Like [`Connection::execute`].
    pub(crate) fn execute(&self, sql: &str, parameters: impl Params) -> rusqlite::Result<usize> {
        self.with(sql, |statement| statement.execute(parameters))
    }

    /// Like [`Connection::query_row`].
    pub(crate) fn query_row<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        self.with(sql, |statement| statement.query_row(parameters, read))
    }

    /// The statements.
    #[cfg(test)]
    pub(crate) fn statements(&self) -> Vec<Box<str>> {
        self.statements.borrow().keys().cloned().collect()
    }

    fn with<T>(
        &self,
        sql: &str,
        run: impl FnOnce(&mut Statement<'c>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let mut statements = self.statements.borrow_mut();
        if let Some(statement) = statements.get_mut(sql) {
            return run(statement);
        }
        let statement = self.connection.prepare(sql)?;
        run(statements.entry(sql.into()).or_insert(statement))
    }
}

impl Deref for Cached<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}
