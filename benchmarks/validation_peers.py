"""The figures that tests/evaluation/test_references.py holds ours to.

python -m venv PEERS && PEERS/bin/pip install dcurves==1.1.7 statsmodels==0.15.0
PEERS/bin/python benchmarks/validation_peers.py
"""

import numpy as np
import pandas as pd
import statsmodels.api as sm
from dcurves import dca
from statsmodels.nonparametric.smoothers_lowess import lowess

number = np.arange(400)
chance = ((number * 37) % 400 + 0.5) / 400 * 0.9 + 0.02
truth = (((number * 53) % 101) / 101 < chance**1.3).astype(int)
table = pd.DataFrame({"chance": chance, "truth": truth})
curve = dca(data=table, outcome="truth", modelnames=["chance"], thresholds=[0.1, 0.2, 0.3, 0.5, 0.7])
print(curve[["model", "threshold", "net_benefit"]].to_string())
logit = np.log(chance / (1 - chance))
binomial = sm.families.Binomial()
print("slope", sm.GLM(truth, sm.add_constant(logit), family=binomial).fit().params[1])
print("intercept", sm.GLM(truth, np.ones(400), offset=logit, family=binomial).fit().params[0])
far = np.abs(lowess(truth, chance, frac=0.75, it=0, return_sorted=False) - chance)
print("ICI, E50, E90, Emax", far.mean(), np.median(far), np.quantile(far, 0.9), far.max())
