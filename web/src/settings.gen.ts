// Generated from the configuration and its checks in core/. Do not edit.
// To write it anew: UPDATE_TYPES=1 cargo test -p constellation-core settings

/** The most arms of a run, and the most characters of an arm's name. */
export const MOST_ARMS = 16;
export const MOST_NAME = 40;

/** The run of a room when nobody says otherwise. */
export const DEFAULT_RUN = {"arms":[{"name":"local_only","strategy":{"kind":"local_only"}},{"name":"fed_avg","strategy":{"kind":"fed_avg"}},{"name":"coalition_global","strategy":{"formation":{"distance":"weights","first_centers":"random","freeze_after":null,"k":4,"layers":"raw","max_iterations":20,"min_size":1,"reform_every":1,"restarts":1,"warm_up":0,"weighting":"coalitions"},"kind":"coalition_global"}},{"name":"coalition_models","strategy":{"formation":{"distance":"unit_deltas","first_centers":"k_means_plus_plus","freeze_after":null,"k":4,"layers":"raw","max_iterations":20,"min_size":1,"reform_every":null,"restarts":20,"warm_up":3,"weighting":"coalitions"},"kind":"coalition_models"}}],"data":{"balanced_per_label":50,"dataset":"mnist-small","examples":400,"groups":{"count":4,"kind":"rotation"},"held_out":100,"partition":{"alpha":0.5,"kind":"dirichlet"},"spread":0.0,"validation":0},"encodings":{"down":{"kind":"f32"},"up":{"kind":"f32"}},"model":{"hidden":[64],"kind":"mlp"},"pacing":{"deadline_ms":30000,"min_devices":2,"pace_ms":1000,"slow_devices":"shorter_plan","start_at":null},"rounds":30,"seed":7,"training":{"batch":20,"epochs":2,"learning_rate":0.05,"momentum":0.0,"weight_decay":0.0}};

/** The settings of a run but for its arms. */
export const SETTINGS = [
  {"path":"data.balanced_per_label","kind":"whole","least":1.0,"most":1000.0,"start":50,"optional":false,"of":null},
  {"path":"data.dataset","kind":"choice","options":["mnist-small","fashion-mnist-small","mnist","watch"],"start":"mnist-small","optional":false,"of":null},
  {"path":"data.examples","kind":"whole","least":1.0,"most":20000.0,"start":400,"optional":false,"of":null},
  {"path":"data.groups","kind":"part","start":true,"optional":false,"of":null},
  {"path":"data.groups.count","kind":"whole","least":1.0,"most":10.0,"start":4,"optional":false,"of":null},
  {"path":"data.groups.kind","kind":"choice","options":["rotation","label_swap"],"start":"rotation","optional":false,"of":null},
  {"path":"data.groups.pairs","kind":"whole","least":1.0,"most":5.0,"start":null,"optional":true,"of":null},
  {"path":"data.groups.sizes","kind":"wholes","least":1.0,"most":2000.0,"start":null,"optional":true,"of":null},
  {"path":"data.held_out","kind":"whole","least":1.0,"most":20000.0,"start":100,"optional":false,"of":null},
  {"path":"data.partition.alpha","kind":"number","least":0.001,"most":1000000.0,"without":null,"start":0.5,"optional":false,"of":"dirichlet"},
  {"path":"data.partition.kind","kind":"choice","options":["iid","dirichlet","shards","person"],"start":"dirichlet","optional":false,"of":null},
  {"path":"data.partition.labels_per_device","kind":"whole","least":1.0,"most":10.0,"start":2,"optional":false,"of":"shards"},
  {"path":"data.spread","kind":"number","least":0.0,"most":2.0,"without":null,"start":0.0,"optional":false,"of":null},
  {"path":"data.table","kind":"table","start":null,"optional":true,"of":null},
  {"path":"data.validation","kind":"whole","least":0.0,"most":20000.0,"start":0,"optional":false,"of":null},
  {"path":"encodings.down.kind","kind":"choice","options":["f32","f16","int8","one_bit","top_k"],"start":"f32","optional":false,"of":null},
  {"path":"encodings.down.share","kind":"number","least":0.0,"most":0.5,"without":"least","start":0.01,"optional":false,"of":"top_k"},
  {"path":"encodings.up.kind","kind":"choice","options":["f32","f16","int8","one_bit","top_k"],"start":"f32","optional":false,"of":null},
  {"path":"encodings.up.share","kind":"number","least":0.0,"most":0.5,"without":"least","start":0.01,"optional":false,"of":"top_k"},
  {"path":"model.hidden","kind":"wholes","least":1.0,"most":4096.0,"start":[64],"optional":false,"of":"mlp"},
  {"path":"model.kind","kind":"choice","options":["softmax","mlp","cnn","cnn_wide"],"start":"mlp","optional":false,"of":null},
  {"path":"pacing.deadline_ms","kind":"whole","least":100.0,"most":3600000.0,"start":30000,"optional":false,"of":null},
  {"path":"pacing.min_devices","kind":"whole","least":1.0,"most":2000.0,"start":2,"optional":false,"of":null},
  {"path":"pacing.pace_ms","kind":"whole","least":0.0,"most":3600000.0,"start":1000,"optional":false,"of":null},
  {"path":"pacing.participation","kind":"part","start":false,"optional":false,"of":null},
  {"path":"pacing.participation.fraction","kind":"number","least":0.0,"most":1.0,"without":"least","start":0.5,"optional":false,"of":null},
  {"path":"pacing.participation.max_devices","kind":"whole","least":1.0,"most":2000.0,"start":null,"optional":true,"of":null},
  {"path":"pacing.participation.order","kind":"choice","options":["random","capable_first"],"start":"random","optional":false,"of":null},
  {"path":"pacing.slow_devices","kind":"choice","options":["shorter_plan","full_plan"],"start":"shorter_plan","optional":false,"of":null},
  {"path":"pacing.start_at","kind":"whole","least":1.0,"most":2000.0,"start":null,"optional":true,"of":null},
  {"path":"rounds","kind":"whole","least":1.0,"most":100000.0,"start":30,"optional":false,"of":null},
  {"path":"seed","kind":"whole","least":0.0,"most":4294967295.0,"start":7,"optional":false,"of":null},
  {"path":"training.batch","kind":"whole","least":1.0,"most":1024.0,"start":20,"optional":false,"of":null},
  {"path":"training.epochs","kind":"whole","least":1.0,"most":100.0,"start":2,"optional":false,"of":null},
  {"path":"training.learning_rate","kind":"number","least":0.0,"most":10.0,"without":"least","start":0.05,"optional":false,"of":null},
  {"path":"training.momentum","kind":"number","least":0.0,"most":1.0,"without":"most","start":0.0,"optional":false,"of":null},
  {"path":"training.weight_decay","kind":"number","least":0.0,"most":1.0,"without":null,"start":0.0,"optional":false,"of":null},
] as const;

/** The options of each strategy. */
export const STRATEGY_SETTINGS = {
  local_only: [
  ],
  fed_avg: [
  ],
  fed_avg_fine_tune: [
  ],
  fed_prox: [
    {"path":"mu","kind":"number","least":0.0,"most":10.0,"without":null,"start":0.01,"optional":false,"of":null},
  ],
  robust_average: [
    {"path":"bad","kind":"number","least":0.0,"most":0.5,"without":"most","start":0.2,"optional":false,"of":null},
    {"path":"rule","kind":"choice","options":["norm_clipping","median","trimmed_mean","geometric_median","multi_krum"],"start":"geometric_median","optional":false,"of":null},
  ],
  scaffold: [
  ],
  oracle_groups: [
  ],
  ifca: [
    {"path":"k","kind":"whole","least":1.0,"most":16.0,"start":4,"optional":false,"of":null},
  ],
  fesem: [
    {"path":"k","kind":"whole","least":1.0,"most":1000.0,"start":4,"optional":false,"of":null},
  ],
  cfl: [
    {"path":"gamma","kind":"number","least":0.0,"most":1.0,"without":null,"start":0.0,"optional":false,"of":null},
    {"path":"linkage","kind":"choice","options":["single","average","complete"],"start":"single","optional":false,"of":null},
    {"path":"min_size","kind":"whole","least":1.0,"most":2000.0,"start":2,"optional":false,"of":null},
    {"path":"split_below","kind":"number","least":0.0,"most":1.0,"without":null,"start":0.4,"optional":false,"of":null},
    {"path":"warm_up","kind":"whole","least":0.0,"most":100000.0,"start":3,"optional":false,"of":null},
  ],
  fl_hc: [
    {"path":"k","kind":"whole","least":1.0,"most":1000.0,"start":null,"optional":true,"of":null},
    {"path":"linkage","kind":"choice","options":["single","average","complete"],"start":"average","optional":false,"of":null},
    {"path":"metric","kind":"choice","options":["euclidean","cosine"],"start":"cosine","optional":false,"of":null},
    {"path":"rounds_before","kind":"whole","least":0.0,"most":100000.0,"start":3,"optional":false,"of":null},
    {"path":"threshold","kind":"number","least":0.01,"most":10.0,"without":null,"start":0.9,"optional":false,"of":null},
  ],
  bounded_confidence: [
    {"path":"confidence","kind":"number","least":0.01,"most":10.0,"without":null,"start":null,"optional":true,"of":null},
    {"path":"max_iterations","kind":"whole","least":1.0,"most":10000.0,"start":100,"optional":false,"of":null},
    {"path":"metric","kind":"choice","options":["euclidean","cosine"],"start":"euclidean","optional":false,"of":null},
    {"path":"reform_every","kind":"whole","least":1.0,"most":100000.0,"start":null,"optional":true,"of":null},
    {"path":"warm_up","kind":"whole","least":0.0,"most":100000.0,"start":3,"optional":false,"of":null},
  ],
  coalition_global: [
    {"path":"formation.barycenters","kind":"part","start":false,"optional":false,"of":null},
    {"path":"formation.barycenters.bad","kind":"number","least":0.0,"most":0.5,"without":"most","start":0.2,"optional":false,"of":null},
    {"path":"formation.barycenters.rule","kind":"choice","options":["norm_clipping","median","trimmed_mean","geometric_median","multi_krum"],"start":"geometric_median","optional":false,"of":null},
    {"path":"formation.distance","kind":"choice","options":["weights","deltas","unit_deltas"],"start":"weights","optional":false,"of":null},
    {"path":"formation.first_centers","kind":"choice","options":["random","k_means_plus_plus"],"start":"random","optional":false,"of":null},
    {"path":"formation.freeze_after","kind":"whole","least":1.0,"most":100000.0,"start":null,"optional":true,"of":null},
    {"path":"formation.full_vote","kind":"whole","least":1.0,"most":2000.0,"start":null,"optional":true,"of":null},
    {"path":"formation.global","kind":"part","start":false,"optional":false,"of":null},
    {"path":"formation.global.bad","kind":"number","least":0.0,"most":0.5,"without":"most","start":0.2,"optional":false,"of":null},
    {"path":"formation.global.rule","kind":"choice","options":["norm_clipping","median","trimmed_mean","geometric_median","multi_krum"],"start":"geometric_median","optional":false,"of":null},
    {"path":"formation.k","kind":"whole","least":1.0,"most":1000.0,"start":4,"optional":false,"of":null},
    {"path":"formation.layers","kind":"choice","options":["raw","by_norm"],"start":"raw","optional":false,"of":null},
    {"path":"formation.max_iterations","kind":"whole","least":1.0,"most":10000.0,"start":20,"optional":false,"of":null},
    {"path":"formation.min_size","kind":"whole","least":1.0,"most":2000.0,"start":1,"optional":false,"of":null},
    {"path":"formation.reform_every","kind":"whole","least":1.0,"most":100000.0,"start":1,"optional":true,"of":null},
    {"path":"formation.restarts","kind":"whole","least":1.0,"most":1000.0,"start":1,"optional":false,"of":null},
    {"path":"formation.sketches","kind":"part","start":false,"optional":false,"of":null},
    {"path":"formation.sketches.resting","kind":"part","start":false,"optional":false,"of":null},
    {"path":"formation.sketches.resting.after","kind":"whole","least":1.0,"most":100000.0,"start":3,"optional":false,"of":null},
    {"path":"formation.sketches.resting.share","kind":"number","least":0.0,"most":1.0,"without":"least","start":0.5,"optional":false,"of":null},
    {"path":"formation.warm_up","kind":"whole","least":0.0,"most":100000.0,"start":0,"optional":false,"of":null},
    {"path":"formation.weighting","kind":"choice","options":["coalitions","size","examples"],"start":"coalitions","optional":false,"of":null},
  ],
  coalition_models: [
    {"path":"formation.barycenters","kind":"part","start":false,"optional":false,"of":null},
    {"path":"formation.barycenters.bad","kind":"number","least":0.0,"most":0.5,"without":"most","start":0.2,"optional":false,"of":null},
    {"path":"formation.barycenters.rule","kind":"choice","options":["norm_clipping","median","trimmed_mean","geometric_median","multi_krum"],"start":"geometric_median","optional":false,"of":null},
    {"path":"formation.distance","kind":"choice","options":["weights","deltas","unit_deltas"],"start":"unit_deltas","optional":false,"of":null},
    {"path":"formation.first_centers","kind":"choice","options":["random","k_means_plus_plus"],"start":"k_means_plus_plus","optional":false,"of":null},
    {"path":"formation.freeze_after","kind":"whole","least":1.0,"most":100000.0,"start":null,"optional":true,"of":null},
    {"path":"formation.full_vote","kind":"whole","least":1.0,"most":2000.0,"start":null,"optional":true,"of":null},
    {"path":"formation.global","kind":"part","start":false,"optional":false,"of":null},
    {"path":"formation.global.bad","kind":"number","least":0.0,"most":0.5,"without":"most","start":0.2,"optional":false,"of":null},
    {"path":"formation.global.rule","kind":"choice","options":["norm_clipping","median","trimmed_mean","geometric_median","multi_krum"],"start":"geometric_median","optional":false,"of":null},
    {"path":"formation.k","kind":"whole","least":1.0,"most":1000.0,"start":4,"optional":false,"of":null},
    {"path":"formation.layers","kind":"choice","options":["raw","by_norm"],"start":"raw","optional":false,"of":null},
    {"path":"formation.max_iterations","kind":"whole","least":1.0,"most":10000.0,"start":20,"optional":false,"of":null},
    {"path":"formation.min_size","kind":"whole","least":1.0,"most":2000.0,"start":1,"optional":false,"of":null},
    {"path":"formation.reform_every","kind":"whole","least":1.0,"most":100000.0,"start":null,"optional":true,"of":null},
    {"path":"formation.restarts","kind":"whole","least":1.0,"most":1000.0,"start":20,"optional":false,"of":null},
    {"path":"formation.sketches","kind":"part","start":false,"optional":false,"of":null},
    {"path":"formation.sketches.resting","kind":"part","start":false,"optional":false,"of":null},
    {"path":"formation.sketches.resting.after","kind":"whole","least":1.0,"most":100000.0,"start":3,"optional":false,"of":null},
    {"path":"formation.sketches.resting.share","kind":"number","least":0.0,"most":1.0,"without":"least","start":0.5,"optional":false,"of":null},
    {"path":"formation.warm_up","kind":"whole","least":0.0,"most":100000.0,"start":3,"optional":false,"of":null},
    {"path":"formation.weighting","kind":"choice","options":["coalitions","size","examples"],"start":"coalitions","optional":false,"of":null},
  ],
  ours: [
    {"path":"agreement","kind":"number","least":-1.0,"most":1.0,"without":null,"start":0.78,"optional":false,"of":null},
    {"path":"judge_every","kind":"whole","least":1.0,"most":100000.0,"start":10,"optional":false,"of":null},
    {"path":"trial","kind":"whole","least":1.0,"most":100000.0,"start":6,"optional":false,"of":null},
    {"path":"warm_up","kind":"whole","least":1.0,"most":100000.0,"start":6,"optional":false,"of":null},
  ],
} as const;
