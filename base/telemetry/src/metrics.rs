//! Prometheus metrics of a program.

use crate::ProcessFacts;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge, info::Info},
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

    /// Registers figures that are read when somebody asks: `write` is called for each answer.
    pub fn figures(&self, write: impl Fn(&mut Figures<'_>) -> fmt::Result + Send + Sync + 'static) {
        self.register(|registry| registry.register_collector(Box::new(FiguresCollector(write))));
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

/// Takes the figures of one answer. Names as for [`Metrics::register`].
pub struct Figures<'a>(DescriptorEncoder<'a>);

impl Figures<'_> {
    /// Something that goes up and down.
    ///
    /// # Errors
    /// When the answer cannot be written.
    pub fn gauge(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        let gauge = ConstGauge::new(value);
        gauge.encode(self.0.encode_descriptor(name, help, None, gauge.metric_type())?)
    }

    /// Something that only grows since the program began.
    ///
    /// # Errors
    /// As [`Figures::gauge`].
    pub fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let counter = ConstCounter::new(value);
        counter.encode(
            self.0
                .encode_descriptor(name, help, None, counter.metric_type())?,
        )
    }
}

impl Figures<'_> {
    /// Counters that differ in one label. Its values are few, and those of the program: nothing that others choose.
    ///
    /// # Errors
    /// As [`Figures::gauge`].
    pub fn counters(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'static str, u64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (of, value) in values {
            let labels = [(label, of)];
            let encoder = family.encode_family(&labels)?;
            ConstCounter::new(value).encode(encoder)?;
        }
        Ok(())
    }
}

struct FiguresCollector<F>(F);

impl<F> fmt::Debug for FiguresCollector<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FiguresCollector")
    }
}

impl<F: Fn(&mut Figures<'_>) -> fmt::Result + Send + Sync + 'static> Collector for FiguresCollector<F> {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        (self.0)(&mut Figures(encoder))
    }
}

#[derive(Debug)]
struct ProcessCollector;

impl Collector for ProcessCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let facts = ProcessFacts::now();
        let mut figures = Figures(encoder);
        figures.gauge(
            "process_resident_memory_bytes",
            "Memory in RAM",
            facts.resident_memory_bytes as f64,
        )?;
        figures.gauge("process_open_fds", "Open file descriptors", facts.open_fds as f64)?;
        figures.gauge(
            "process_max_fds",
            "Most file descriptors that may be open",
            facts.max_fds as f64,
        )?;
        figures.gauge("process_threads", "Threads", facts.threads as f64)?;
        figures.gauge(
            "process_start_time_seconds",
            "Start of the process since 1970",
            facts.start_time_seconds,
        )?;
        let cpu = ConstCounter::new(facts.cpu_seconds);
        cpu.encode(figures.0.encode_descriptor(
            "process_cpu_seconds",
            "CPU time used",
            None,
            cpu.metric_type(),
        )?)
    }
}
