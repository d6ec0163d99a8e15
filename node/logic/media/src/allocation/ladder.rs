use super::{Class, Demand, Layer};

/// Cameras below this are jerky, so a smaller layer that is fluent comes first.
const FLUENT_FPS: u8 = 12;

/// One quality of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) spatial: u8,
    pub(super) temporal: u8,
    pub(super) kbps: u64,
}

impl Step {
    /// Better than another of the same source.
    pub(super) fn rank(&self) -> (u8, u8) {
        (self.spatial, self.temporal)
    }
}

/// The qualities that a slot may get, from the lowest to the one that its tile needs; better ones cost more.
pub(super) fn ladder(demand: &Demand<'_>) -> Vec<Step> {
    let mut layers: Vec<&Layer> = demand
        .layers
        .iter()
        .filter(|layer| layer.temporal_layers > 0)
        .collect();
    layers.sort_by_key(|layer| (layer.height, layer.spatial));
    let enough = layers.iter().position(|layer| layer.height >= demand.height);
    layers.truncate(enough.map_or(layers.len(), |index| index + 1));
    let mut steps: Vec<Step> = Vec::new();
    for (index, layer) in layers.iter().enumerate() {
        for temporal in 0..layer.temporal_layers {
            let lowest = index == 0 || demand.class == Class::Content;
            let highest = temporal + 1 == layer.temporal_layers;
            if !lowest && !highest && layer.fps_of(temporal) < FLUENT_FPS {
                continue;
            }
            let kbps = u64::from(layer.kbps_of(temporal).0);
            // What costs as much as something better is of no use.
            while steps.last().is_some_and(|step| step.kbps >= kbps) {
                steps.pop();
            }
            steps.push(Step {
                spatial: layer.spatial,
                temporal,
                kbps,
            });
        }
    }
    steps
}
