"""Estimators of scikit-learn that skl2onnx converts."""

from __future__ import annotations

from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA, IncrementalPCA, KernelPCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingRegressor,
)
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import (
    BayesianRidge,
    ElasticNet,
    HuberRegressor,
    LinearRegression,
    LogisticRegression,
    Perceptron,
    PoissonRegressor,
    QuantileRegressor,
    RANSACRegressor,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.mixture import GaussianMixture
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.random_projection import GaussianRandomProjection
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR, NuSVC, NuSVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

SEED = {"random_state": 0}

CLASSIFIERS = [
    AdaBoostClassifier(n_estimators=10, **SEED),
    BaggingClassifier(**SEED),
    BernoulliNB(binarize=2.5),
    CalibratedClassifierCV(LinearSVC(), cv=3),
    CategoricalNB(),
    ComplementNB(),
    DecisionTreeClassifier(**SEED),
    ExtraTreesClassifier(30, **SEED),
    GaussianNB(),
    GradientBoostingClassifier(n_estimators=20, **SEED),
    KNeighborsClassifier(),
    LinearDiscriminantAnalysis(),
    LinearSVC(),
    LogisticRegression(max_iter=500),
    MLPClassifier((20, 10), max_iter=300, **SEED),
    MultinomialNB(),
    NuSVC(**SEED),
    OneVsRestClassifier(LogisticRegression()),
    Perceptron(),
    QuadraticDiscriminantAnalysis(),
    RandomForestClassifier(30, **SEED),
    RidgeClassifier(),
    SGDClassifier(**SEED),
    SVC(),
    SVC(kernel="poly", decision_function_shape="ovo"),
    StackingClassifier([("linear", LogisticRegression()), ("bayes", GaussianNB())]),
    make_pipeline(StandardScaler(), PCA(2), LogisticRegression()),
    make_pipeline(MinMaxScaler(), PolynomialFeatures(2), SVC(kernel="sigmoid")),
]

REGRESSORS = [
    AdaBoostRegressor(n_estimators=10, **SEED),
    BaggingRegressor(**SEED),
    BayesianRidge(),
    DecisionTreeRegressor(**SEED),
    ElasticNet(0.1),
    ExtraTreesRegressor(10, **SEED),
    GaussianProcessRegressor(ConstantKernel() * RBF() + WhiteKernel(), alpha=1e-2),
    GradientBoostingRegressor(n_estimators=20, **SEED),
    HuberRegressor(),
    KNeighborsRegressor(),
    KNeighborsRegressor(metric="manhattan"),
    LinearRegression(),
    LinearSVR(**SEED),
    MLPRegressor(hidden_layer_sizes=(20,), max_iter=50, **SEED),
    NuSVR(),
    PLSRegression(2),
    PoissonRegressor(),
    QuantileRegressor(),
    RANSACRegressor(**SEED),
    RandomForestRegressor(20, **SEED),
    Ridge(),
    SVR(),
    StackingRegressor([("linear", Ridge()), ("tree", DecisionTreeRegressor(**SEED))]),
    VotingRegressor([("linear", Ridge()), ("tree", DecisionTreeRegressor(**SEED))]),
]

TRANSFORMERS = [
    Binarizer(threshold=2.5),
    GaussianRandomProjection(3, **SEED),
    IncrementalPCA(2),
    KBinsDiscretizer(4, encode="ordinal", quantile_method="averaged_inverted_cdf"),
    KNNImputer(),
    KernelPCA(2, kernel="rbf"),
    MaxAbsScaler(),
    MinMaxScaler(),
    Normalizer(),
    OrdinalEncoder(),
    PCA(2),
    PolynomialFeatures(2),
    PowerTransformer(),
    QuantileTransformer(n_quantiles=20),
    RobustScaler(),
    SelectKBest(k=2),
    SimpleImputer(),
    StandardScaler(),
    TruncatedSVD(2, **SEED),
    VarianceThreshold(0.3),
]

CLUSTERS = [KMeans(3, **SEED), MiniBatchKMeans(3, **SEED), GaussianMixture(2, **SEED)]
