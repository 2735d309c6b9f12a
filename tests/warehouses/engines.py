"""The engines: each takes a table, in the worst of its settings, and answers a query with a list of rows. PostgreSQL
takes another type for texts if it is told.

`worst` says what a careless hand may have set: collations that know no case, dictionaries, parsers that hurry.
"""

import os
import sqlite3
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

TABLE = "face_rows"


def quoted(name, quote='"'):
    return quote + name.replace(quote, quote * 2) + quote


def is_text(kind):
    return pa.types.is_string(kind)


class Duckdb:
    worst = "default_collation = NOCASE"

    def __init__(self, _folder):
        import duckdb

        self.name, self.connection = f"duckdb {duckdb.__version__}", duckdb.connect()
        self.connection.execute("SET default_collation = 'NOCASE'")

    def load(self, table, text=None):
        self.connection.register("arrow_rows", table)
        self.connection.execute(f"CREATE OR REPLACE TABLE {TABLE} AS SELECT * FROM arrow_rows")

    def ask(self, sql):
        return self.connection.execute(sql).fetchall()


class Datafusion:
    worst = "texts as dictionaries"

    def __init__(self, folder):
        import datafusion

        self.name, self.folder = f"datafusion {datafusion.__version__}", folder
        self.context = datafusion.SessionContext()

    def load(self, table, text=None):
        texts = [field.name for field in table.schema if is_text(field.type)]
        for name in texts:
            at = table.schema.get_field_index(name)
            table = table.set_column(at, name, table[name].dictionary_encode())
        self.context.deregister_table(TABLE)
        self.context.register_record_batches(TABLE, [table.to_batches()])

    def ask(self, sql):
        found = pa.Table.from_batches(self.context.sql(sql).collect())
        return [tuple(row.values()) for row in found.to_pylist()]


class Clickhouse:
    worst = "precise_float_parsing = 0, transform_null_in = 1, texts LowCardinality(Nullable(String))"

    def __init__(self, folder):
        import chdb
        from chdb.session import Session

        self.folder, self.session = folder, Session()
        version = self.ask("SELECT version()")[0][0]
        self.name = f"clickhouse {version} (chdb {chdb.__version__})"
        self.session.query("SET precise_float_parsing = 0, transform_null_in = 1, allow_suspicious_low_cardinality_types = 1")

    def load(self, table, text=None):
        file = Path(self.folder, "clickhouse.parquet")
        pq.write_table(table, file)
        # It has no local times: what they say is an instant in a zone.
        local = lambda field: pa.types.is_timestamp(field.type) and field.type.tz is None
        columns = [
            f"toDateTime64(toString({quoted(field.name)}), 6, 'Asia/Shanghai') AS {quoted(field.name)}"
            if local(field)
            else f"CAST({quoted(field.name)} AS LowCardinality(Nullable(String))) AS {quoted(field.name)}"
            if is_text(field.type)
            else quoted(field.name)
            for field in table.schema
        ]
        self.session.query(f"DROP TABLE IF EXISTS {TABLE}")
        self.session.query(
            f"CREATE TABLE {TABLE} ENGINE = Memory AS SELECT {', '.join(columns)} FROM file('{file}', Parquet)"
        )

    def ask(self, sql):
        found = self.session.query(sql, "ArrowStream")
        with pa.ipc.open_stream(found.bytes()) as stream:
            rows = stream.read_all().to_pylist()
        as_text = lambda value: value.decode() if isinstance(value, bytes) else value
        return [tuple(as_text(value) for value in row.values()) for row in rows]


class Sqlite:
    worst = "columns COLLATE NOCASE, without types"

    def __init__(self, _folder):
        self.name, self.connection = f"sqlite {sqlite3.sqlite_version}", sqlite3.connect(":memory:")

    def load(self, table, text=None):
        columns = [
            quoted(field.name) + (" COLLATE NOCASE" if is_text(field.type) else "") for field in table.schema
        ]
        self.connection.execute(f"DROP TABLE IF EXISTS {TABLE}")
        self.connection.execute(f"CREATE TABLE {TABLE} ({', '.join(columns)})")
        rows = zip(*(self.stored(column).to_pylist() for column in table.columns))
        self.connection.executemany(f"INSERT INTO {TABLE} VALUES ({', '.join('?' * table.num_columns)})", rows)

    def stored(self, column):
        """It has neither decimals nor times: they are stored as doubles and as texts."""
        if pa.types.is_temporal(column.type):
            return column.cast("string")
        return column.cast("double") if pa.types.is_decimal(column.type) else column

    def ask(self, sql):
        return self.connection.execute(sql).fetchall()


class Postgres:
    worst = "texts of an ICU collation that knows no case"
    types = {
        "int64": "bigint",
        "int32": "integer",
        "float": "real",
        "double": "double precision",
        "date32[day]": "date",
        "timestamp[us]": "timestamp",
        "timestamp[us, tz=UTC]": "timestamptz",
    }

    def __init__(self, _folder):
        import psycopg

        self.connection = psycopg.connect(os.environ["POSTGRES"], autocommit=True)
        version = self.ask("SHOW server_version")[0][0]
        self.name = f"postgres {version.split()[0]}"
        self.connection.execute(
            "CREATE COLLATION IF NOT EXISTS no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
        )

    def load(self, table, text="text COLLATE no_case"):
        columns = [
            f"{quoted(field.name)} {text if is_text(field.type) else self.types.get(str(field.type), 'numeric')}"
            for field in table.schema
        ]
        self.connection.execute(f"DROP TABLE IF EXISTS {TABLE}")
        self.connection.execute(f"CREATE TABLE {TABLE} ({', '.join(columns)})")
        with self.connection.cursor().copy(f"COPY {TABLE} FROM STDIN") as copy:
            for row in zip(*(column.to_pylist() for column in table.columns)):
                copy.write_row(row)

    def ask(self, sql):
        return self.connection.execute(sql).fetchall()


class Spark:
    worst = "texts COLLATE UTF8_LCASE"

    def __init__(self, folder):
        import pyspark
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
        builder = builder.config("spark.sql.shuffle.partitions", "2").config("spark.driver.host", "127.0.0.1")
        builder = builder.config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.memory", "2g")
        builder = builder.config("spark.ui.showConsoleProgress", "false")
        builder = builder.config("spark.sql.warehouse.dir", str(Path(folder, "spark")))
        self.session, self.folder = builder.getOrCreate(), folder
        self.session.sparkContext.setLogLevel("OFF")
        self.name = f"spark {pyspark.__version__}"

    def load(self, table, text=None):
        file = str(Path(self.folder, "spark.parquet"))
        pq.write_table(table, file)
        columns = [
            f"{quoted(field.name, '`')}{' COLLATE UTF8_LCASE' if is_text(field.type) else ''} AS {quoted(field.name, '`')}"
            for field in table.schema
        ]
        self.session.read.parquet(file).createOrReplaceTempView("stored")
        self.session.sql(f"SELECT {', '.join(columns)} FROM stored").createOrReplaceTempView(TABLE)

    def ask(self, sql):
        return [tuple(row) for row in self.session.sql(sql).collect()]


ENGINES = {
    "duckdb": Duckdb,
    "datafusion": Datafusion,
    "clickhouse": Clickhouse,
    "sqlite": Sqlite,
    "postgres": Postgres,
    "spark": Spark,
}
