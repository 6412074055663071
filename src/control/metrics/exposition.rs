//! Writing metrics: a family with its values.

use std::collections::HashMap;
use std::fmt::Error;

use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::registry::Unit;

use crate::protocol::{BUCKET_BOUNDS_MS, DurationBuckets};

/// The labels of one value.
pub(super) type Labels<'l> = Vec<(&'static str, &'l str)>;

/// Writes families of metrics.
pub(super) struct Exposition<'e>(pub(super) DescriptorEncoder<'e>);

/// The name of a family, without prefix, unit and `_total`; what it says; its unit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) unit: Option<&'static Unit>,
}

impl Family {
    /// A family without a unit.
    pub(super) const fn new(name: &'static str, help: &'static str) -> Self {
        let unit = None;
        Self { name, help, unit }
    }

    /// A family of bytes.
    pub(super) const fn bytes(name: &'static str, help: &'static str) -> Self {
        let unit = Some(&Unit::Bytes);
        Self { name, help, unit }
    }

    /// A family of seconds.
    pub(super) const fn seconds(name: &'static str, help: &'static str) -> Self {
        let unit = Some(&Unit::Seconds);
        Self { name, help, unit }
    }
}

impl Exposition<'_> {
    fn begin(&mut self, family: Family, of: MetricType) -> Result<MetricEncoder<'_>, Error> {
        let Family { name, help, unit } = family;
        self.0.encode_descriptor(name, help, unit, of)
    }

    /// A counter.
    pub(super) fn counter(&mut self, family: Family, value: u64) -> Result<(), Error> {
        let mut metric = self.begin(family, MetricType::Counter)?;
        metric.encode_counter(&value, None::<&Exemplar<NoLabelSet, u64>>)
    }

    /// A counter by label.
    pub(super) fn counters<'l>(
        &mut self,
        family: Family,
        values: impl IntoIterator<Item = (Labels<'l>, u64)>,
    ) -> Result<(), Error> {
        let mut metric = self.begin(family, MetricType::Counter)?;
        for (labels, value) in values {
            let mut one = metric.encode_family(&labels)?;
            one.encode_counter(&value, None::<&Exemplar<NoLabelSet, u64>>)?;
        }
        Ok(())
    }

    /// A gauge.
    pub(super) fn gauge(&mut self, family: Family, value: f64) -> Result<(), Error> {
        self.begin(family, MetricType::Gauge)?.encode_gauge(&value)
    }

    /// A gauge by label.
    pub(super) fn gauges<'l>(
        &mut self,
        family: Family,
        values: impl IntoIterator<Item = (Labels<'l>, f64)>,
    ) -> Result<(), Error> {
        let mut metric = self.begin(family, MetricType::Gauge)?;
        for (labels, value) in values {
            metric.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    /// A gauge that is 1 for the state which holds and 0 for the others.
    pub(super) fn state(
        &mut self,
        family: Family,
        states: &[&'static str],
        now: &str,
    ) -> Result<(), Error> {
        let mut metric = self.begin(family, MetricType::Gauge)?;
        for state in states {
            let labels: Labels<'_> = vec![("state", state)];
            let mut one = metric.encode_family(&labels)?;
            one.encode_gauge(&u64::from(*state == now))?;
        }
        Ok(())
    }

    /// Constant labels.
    pub(super) fn info(
        &mut self,
        family: Family,
        labels: &impl EncodeLabelSet,
    ) -> Result<(), Error> {
        self.begin(family, MetricType::Info)?.encode_info(labels)
    }

    /// A histogram of durations.
    pub(super) fn durations(
        &mut self,
        family: Family,
        durations: &DurationBuckets,
    ) -> Result<(), Error> {
        let bounds = BUCKET_BOUNDS_MS.iter().map(|ms| *ms as f64 / 1_000.0);
        let bounds = bounds.chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(durations.counts).collect();
        let mut metric = self.begin(family, MetricType::Histogram)?;
        let sum = durations.sum_ms as f64 / 1_000.0;
        let none = None::<&HashMap<usize, Exemplar<NoLabelSet, f64>>>;
        metric.encode_histogram(sum, durations.count(), &buckets, none)
    }
}
