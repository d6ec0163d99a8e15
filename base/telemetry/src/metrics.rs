//! Prometheus metrics of a program.

use crate::ProcessFacts;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge, info::Info},
    registry::Registry,
};
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// The library whose counters, gauges and histograms are registered, in the version that fits.
pub use prometheus_client as prometheus;

/// All metrics of a program. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Mutex<Registry>>);

impl Metrics {
    /// With `plenary_build_info` and the conventional `process_*` metrics.
    pub fn new(program: &str, version: &str) -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(ProcessCollector));
        let labels = vec![("program", program.to_owned()), ("version", version.to_owned())];
        let ours = registry.sub_registry_with_prefix("plenary");
        ours.register("build", "Program and version that runs", Info::new(labels));
        Self(Arc::new(Mutex::new(registry)))
    }

    /// Registers metrics. Their names get the prefix `plenary_`, counters the suffix `_total`; use base units
    /// (seconds, bytes) and never users or meetings as labels.
    pub fn register<T>(&self, add: impl FnOnce(&mut Registry) -> T) -> T {
        let mut registry = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Registries with the same prefix show as one.
        add(registry.sub_registry_with_prefix("plenary"))
    }

    /// All metrics now, in the OpenMetrics text format.
    ///
    /// # Errors
    /// When a collector fails.
    pub fn render(&self) -> Result<String, fmt::Error> {
        let mut text = String::with_capacity(16 * 1024);
        let registry = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        prometheus_client::encoding::text::encode(&mut text, &registry)?;
        Ok(text)
    }
}

#[derive(Debug)]
struct ProcessCollector;

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let facts = ProcessFacts::now();
        let mut gauge = |name: &str, help: &str, value: f64| {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
        };
        gauge(
            "process_resident_memory_bytes",
            "Memory in RAM",
            facts.resident_memory_bytes as f64,
        )?;
        gauge("process_open_fds", "Open file descriptors", facts.open_fds as f64)?;
        gauge(
            "process_max_fds",
            "Most file descriptors that may be open",
            facts.max_fds as f64,
        )?;
        gauge("process_threads", "Threads", facts.threads as f64)?;
        gauge(
            "process_start_time_seconds",
            "Start of the process since 1970",
            facts.start_time_seconds,
        )?;
        let cpu = ConstCounter::new(facts.cpu_seconds);
        cpu.encode(encoder.encode_descriptor(
            "process_cpu_seconds",
            "CPU time used",
            None,
            cpu.metric_type(),
        )?)
    }
}
