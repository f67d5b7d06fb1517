"""What the classes and functions of the libraries do with rows, by the last part of their names.

Left out on purpose, because what they learn gives nothing away: encoders that only list the
categories (OneHotEncoder, OrdinalEncoder, LabelEncoder) and steps that learn nothing (Normalizer,
PolynomialFeatures, FunctionTransformer, HashingVectorizer).
"""

from __future__ import annotations

from assay.checks.code.values import Learnt

_PREPARATION = """
    StandardScaler MinMaxScaler RobustScaler MaxAbsScaler PowerTransformer QuantileTransformer
    KBinsDiscretizer SplineTransformer SimpleImputer KNNImputer IterativeImputer Imputer
    PCA IncrementalPCA KernelPCA SparsePCA TruncatedSVD NMF FastICA FactorAnalysis UMAP
    LatentDirichletAllocation DictionaryLearning Isomap Nystroem KernelCenterer VarianceThreshold
    TfidfVectorizer TfidfTransformer CountVectorizer IterativeSVD MissForest DataFrameImputer
    Word2Vec TextVectorization GapEncoder TableVectorizer
"""
_SAMPLING = """
    SMOTE SMOTENC SMOTEN BorderlineSMOTE SVMSMOTE KMeansSMOTE ADASYN RandomOverSampler SMOTEENN
    SMOTETomek
"""
_THINNING = """
    RandomUnderSampler NearMiss TomekLinks EditedNearestNeighbours ClusterCentroids
    CondensedNearestNeighbour OneSidedSelection NeighbourhoodCleaningRule InstanceHardnessThreshold
    RepeatedEditedNearestNeighbours AllKNN
"""
_SELECTION = """
    SelectKBest SelectPercentile SelectFpr SelectFdr SelectFwe GenericUnivariateSelect RFE RFECV
    SelectFromModel SequentialFeatureSelector BorutaPy Boruta SequentialFeatureSelection ReliefF
    PLSRegression NeighborhoodComponentsAnalysis mRMR
"""
_ENCODING = """
    TargetEncoder LeaveOneOutEncoder CatBoostEncoder JamesSteinEncoder MEstimateEncoder WOEEncoder
    GLMMEncoder MeanEncoder QuantileEncoder
"""
LEARNS: dict[str, Learnt] = {
    **dict.fromkeys(_PREPARATION.split(), Learnt.PREPARATION),
    **dict.fromkeys((_SAMPLING + _THINNING).split(), Learnt.SAMPLING),
    **dict.fromkeys(_SELECTION.split(), Learnt.SELECTION),
    **dict.fromkeys(_ENCODING.split(), Learnt.ENCODING),
}
"""Estimators whose fit learns something from rows, besides a model."""

THINS = frozenset(_THINNING.split())
"""Samplers that only leave rows out."""

HARMLESS = frozenset(
    """OneHotEncoder OrdinalEncoder LabelEncoder LabelBinarizer MultiLabelBinarizer Normalizer
    Binarizer PolynomialFeatures FunctionTransformer HashingVectorizer DictVectorizer
    FeatureHasher CountEncoder BinaryEncoder HashingEncoder""".split()
)

COMPOSED = frozenset(
    """Pipeline make_pipeline ColumnTransformer make_column_transformer FeatureUnion make_union
    DataFrameMapper make_imb_pipeline""".split()
)

SEARCHES = frozenset(
    """GridSearchCV RandomizedSearchCV HalvingGridSearchCV HalvingRandomSearchCV BayesSearchCV
    LogisticRegressionCV LassoCV RidgeCV ElasticNetCV LassoLarsCV CalibratedClassifierCV
    StackingClassifier StackingRegressor RFECV TuneSearchCV OptunaSearchCV""".split()
)
"""Estimators that divide, by themselves, the rows they are fitted on."""

WRAPPERS = frozenset(
    """CalibratedClassifierCV OneVsRestClassifier OneVsOneClassifier MultiOutputClassifier
    MultiOutputRegressor TransformedTargetRegressor BaggingClassifier BaggingRegressor clone
    deepcopy TunedThresholdClassifierCV FixedThresholdClassifier FrozenEstimator""".split()
)

CROSS_VALIDATES = frozenset(
    """cross_val_score cross_validate cross_val_predict learning_curve validation_curve
    permutation_test_score""".split()
)

SPLITTERS = frozenset(
    """KFold StratifiedKFold GroupKFold StratifiedGroupKFold RepeatedKFold RepeatedStratifiedKFold
    ShuffleSplit StratifiedShuffleSplit GroupShuffleSplit TimeSeriesSplit LeaveOneOut LeavePOut
    LeaveOneGroupOut LeavePGroupsOut PredefinedSplit MultilabelStratifiedKFold""".split()
)
SHUFFLES = frozenset(
    {"ShuffleSplit", "StratifiedShuffleSplit", "RepeatedKFold", "RepeatedStratifiedKFold"}
)

METRICS = frozenset(
    """accuracy_score balanced_accuracy_score f1_score fbeta_score precision_score recall_score
    roc_auc_score average_precision_score log_loss brier_score_loss matthews_corrcoef jaccard_score
    cohen_kappa_score classification_report confusion_matrix precision_recall_fscore_support
    mean_squared_error root_mean_squared_error mean_absolute_error median_absolute_error r2_score
    mean_absolute_percentage_error mean_squared_log_error explained_variance_score max_error
    mean_pinball_loss d2_absolute_error_score top_k_accuracy_score zero_one_loss hamming_loss
    hinge_loss ndcg_score precision_recall_curve roc_curve det_curve auc""".split()
)
CURVES = frozenset({"precision_recall_curve", "roc_curve", "det_curve"})

PREDICTORS_END = (
    "Classifier", "Regressor", "Regression", "SVC", "SVR", "NB", "Ridge", "Lasso", "ElasticNet",
    "Perceptron", "Tree", "Forest", "Model", "CV", "Discriminant", "DiscriminantAnalysis",
)  # fmt: skip
PREDICTORS = frozenset({"NuSVC", "NuSVR", "LinearSVC", "LinearSVR", "Sequential", "SVM", "MLP"})

SCORES_FEATURES = frozenset(
    """mutual_info_classif mutual_info_regression f_classif f_regression chi2 r_regression
    permutation_importance corrcoef pearsonr spearmanr kendalltau pointbiserialr""".split()
)
"""Functions that tell how much each feature has to do with the target."""

TOLD_BY_FIT = frozenset(
    """feature_importances_ coef_ support_ scores_ pvalues_ ranking_ get_support
    get_feature_names_out importances_mean cv_results_""".split()
)
"""What a fitted estimator says of the features."""

STATISTICS = frozenset(
    """mean std var median min max mode quantile nanmean nanstd nanmedian nanmin nanmax
    percentile nanpercentile average ptp mad""".split()
)
GROUPS = frozenset(
    {"groupby", "group_by", "rolling", "expanding", "ewm", "resample", "group_by_dynamic"}
)
TRANSFORMS = frozenset({"fillna", "replace", "where", "mask", "clip", "sub", "subtract", "div",
                        "divide", "truediv", "nan_to_num", "fill_null"})  # fmt: skip
"""Methods and functions that put a statistic into the rows."""

JOINS = frozenset({"map", "merge", "join", "replace", "assign"})
METADATA = frozenset(
    """columns index shape size ndim dtype dtypes name names keys info empty device feature_names
    target_names n_features_in_ categories_ classes_ DESCR __class__""".split()
)
SUBSETS = frozenset(
    "head tail query sample take filter select Subset iloc loc skip shard limit".split()
)
EVALUATES = frozenset({"evaluate", "test", "validate", "eval", "validation", "accuracy", "acc"})
"""Words in the name of a function of one's own that measures a model."""
