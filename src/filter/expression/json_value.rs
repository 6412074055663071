//! JSON values as CEL values. Objects are searched in their raw text.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use cel::ExecutionError;
use cel::common::traits::{Container, Indexer, Iterable, Iterator as CelIterator, Sizer};
use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt, MAP_TYPE,
    Type,
};
use cel::common::value::{CowVal, Val};

use crate::amplitude::json::{self, Entries, Kind};

/// Creates a property list; an empty one if `raw` is absent or no object.
pub(super) fn object(raw: Option<&str>) -> CowVal<'_, '_> {
    let raw = raw.filter(|raw| json::kind(raw) == Kind::Object);
    CowVal::owned(Object::new(raw.unwrap_or("{}")))
}

/// Converts a JSON value. Objects stay raw until they are indexed.
pub(super) fn value<'v>(raw: &'v str) -> Box<dyn Val + 'v> {
    nested_value(raw, 0)
}

fn nested_value<'v>(raw: &'v str, depth: usize) -> Box<dyn Val + 'v> {
    match json::kind(raw) {
        Kind::Array if depth > json::MAX_DEPTH => Box::new(CelNull),
        Kind::Null => Box::new(CelNull),
        Kind::Bool => Box::new(CelBool::from(raw == "true")),
        Kind::Number => number(raw),
        Kind::String => Box::new(CelString::from(
            json::string(raw).unwrap_or(Cow::Borrowed("")),
        )),
        Kind::Array => {
            let elements = json::elements(raw).unwrap_or_default();
            Box::new(CelList::from(
                elements
                    .into_iter()
                    .map(|raw| nested_value(raw, depth + 1))
                    .collect::<Vec<_>>(),
            ))
        }
        Kind::Object => Box::new(Object::new(raw)),
    }
}

fn number<'v>(raw: &str) -> Box<dyn Val + 'v> {
    if let Ok(int) = raw.parse::<i64>() {
        Box::new(CelInt::from(int))
    } else if let Ok(uint) = raw.parse::<u64>() {
        Box::new(CelUInt::from(uint))
    } else {
        Box::new(CelDouble::from(raw.parse::<f64>().unwrap_or(f64::NAN)))
    }
}

/// A JSON object that is searched only when an expression indexes it.
#[derive(Debug)]
pub(super) struct Object<'v> {
    raw: &'v str,
    /// Its entries, if they are parsed already.
    parsed: Option<&'v Entries<'v>>,
    keys: OnceLock<Vec<CelString<'v>>>,
}

impl<'o> Object<'o> {
    fn new(raw: &'o str) -> Self {
        Self {
            raw,
            parsed: None,
            keys: OnceLock::new(),
        }
    }

    /// Creates an object whose entries are parsed already; an empty one if `raw` is absent.
    pub(super) fn with_entries(raw: Option<&'o str>, entries: &'o Entries<'o>) -> Self {
        Self {
            raw: raw.unwrap_or("{}"),
            parsed: Some(entries),
            keys: OnceLock::new(),
        }
    }

    /// The keys as values. CEL iterates over borrows, so the object owns them.
    fn keys(&self) -> &[CelString<'o>] {
        self.keys.get_or_init(|| {
            let entries = json::entries(self.raw).unwrap_or_default();
            entries
                .into_iter()
                .map(|(key, _)| CelString::from(key))
                .collect()
        })
    }

    fn find(&self, index: &dyn Val) -> Result<Option<&'o str>, ExecutionError> {
        let Some(name) = index.downcast_ref::<CelString>() else {
            return Err(ExecutionError::UnexpectedType {
                got: index.get_type().name().to_owned(),
                want: "string".to_owned(),
            });
        };
        if let Some(entries) = self.parsed {
            let entry = entries.iter().rev().find(|(key, _)| key == name.inner());
            return Ok(entry.map(|(_, raw)| *raw));
        }
        let mut found = None;
        // `Reading` has validated the text: it can't fail here.
        let _ = json::each_entry(self.raw, |key, raw| {
            if key == name.inner() {
                found = Some(raw);
            }
        });
        Ok(found)
    }

    fn map(&self) -> CelMap<'o> {
        let entries = json::entries(self.raw).unwrap_or_default();
        let map: HashMap<CelMapKey<'o>, Box<dyn Val + 'o>> = entries
            .into_iter()
            .map(|(key, raw)| (CelMapKey::from(key.into_owned()), value(raw)))
            .collect();
        CelMap::from(map)
    }
}

impl Val for Object<'_> {
    fn get_type(&self) -> &Type {
        &MAP_TYPE
    }
    fn cel_type() -> &'static Type {
        &MAP_TYPE
    }
    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }
    fn as_container(&self) -> Option<&dyn Container> {
        Some(self)
    }
    fn as_sizer(&self) -> Option<&dyn Sizer> {
        Some(self)
    }
    fn as_iterable<'b, 'v>(&'b self) -> Option<&'b (dyn Iterable + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }
    fn equals(&self, other: &dyn Val) -> bool {
        self.map().equals(other)
    }
    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(Object {
            raw: self.raw,
            parsed: self.parsed,
            keys: OnceLock::new(),
        })
    }
}

impl Indexer for Object<'_> {
    fn get<'b, 'v>(&'b self, index: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        match self.find(index)? {
            Some(raw) => Ok(CowVal::from(value(raw))),
            None => Err(ExecutionError::NoSuchKey(Arc::new(format!("{index:?}")))),
        }
    }
    fn steal<'v>(self: Box<Self>, index: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        match self.find(index)? {
            Some(raw) => Ok(value(raw)),
            None => Err(ExecutionError::NoSuchKey(Arc::new(format!("{index:?}")))),
        }
    }
}

impl Container for Object<'_> {
    fn contains(&self, key: &dyn Val) -> Result<bool, ExecutionError> {
        self.find(key).map(|found| found.is_some())
    }
}

impl Sizer for Object<'_> {
    fn size(&self) -> CelInt {
        CelInt::from(self.keys().len() as i64)
    }
}

impl Iterable for Object<'_> {
    fn iter<'b, 'v>(&'b self) -> Box<dyn CelIterator<'b, 'v> + 'b>
    where
        Self: 'v,
    {
        Box::new(Keys(self.keys().iter()))
    }
}

/// Iterates over the keys of an object.
struct Keys<'b, 'o>(std::slice::Iter<'b, CelString<'o>>);

impl<'b, 'o: 'v, 'v> CelIterator<'b, 'v> for Keys<'b, 'o> {
    fn next(&mut self) -> Option<&'b (dyn Val + 'v)> {
        self.0.next().map(|key| key as &dyn Val)
    }
}
