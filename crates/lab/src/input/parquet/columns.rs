//! The columns of a Parquet file: those of its rows, and by path those inside their structs.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, make_array};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Fields};

/// A column: its position in the file and in a batch.
pub(crate) struct Place {
    /// Its name; for a column inside structs, their names and its own separated by dots.
    pub(crate) name: String,
    pub(crate) kind: DataType,
    /// The number of the top-level column that it is, or is inside.
    pub(crate) root: usize,
    /// Its number among the stored columns.
    pub(crate) leaf: usize,
    /// The names below the root.
    path: Vec<String>,
}

impl Place {
    /// Returns all columns of a file. A struct comes before its members.
    pub(crate) fn all(fields: &Fields) -> Vec<Self> {
        let (mut places, mut leaf) = (Vec::new(), 0);
        for (root, field) in fields.iter().enumerate() {
            let place = Self {
                name: field.name().clone(),
                kind: field.data_type().clone(),
                root,
                leaf,
                path: Vec::new(),
            };
            place.add_to(&mut places, &mut leaf);
        }
        places
    }

    fn add_to(self, places: &mut Vec<Self>, leaf: &mut usize) {
        let children = match &self.kind {
            DataType::Struct(children) => children.clone(),
            kind => {
                *leaf += leaves(kind);
                Fields::empty()
            }
        };
        let (name, root, path) = (self.name.clone(), self.root, self.path.clone());
        places.push(self);
        for child in &children {
            let mut path = path.clone();
            path.push(child.name().clone());
            let name = format!("{name}.{}", child.name());
            Self { name, kind: child.data_type().clone(), root, leaf: *leaf, path }.add_to(places, leaf);
        }
    }

    /// Returns its array, from the array of its top-level column. A row without the struct has no value.
    pub(crate) fn array(&self, root: &ArrayRef) -> Option<ArrayRef> {
        self.path.iter().try_fold(root.clone(), |array, name| {
            let parent = array.as_struct_opt()?;
            let child = parent.column_by_name(name)?;
            let nulls = NullBuffer::union(parent.nulls(), child.nulls());
            let data = child.to_data().into_builder().nulls(nulls).build().ok()?;
            Some(make_array(data))
        })
    }
}

/// Returns the number of stored columns of a type.
fn leaves(kind: &DataType) -> usize {
    match kind {
        DataType::Struct(fields) => fields.iter().map(|field| leaves(field.data_type())).sum(),
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => leaves(field.data_type()),
        _ => 1,
    }
}
