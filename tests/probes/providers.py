"""Execution providers, devices, and what the module says of itself."""

from __future__ import annotations

from . import probe
from .models import AFFINE, feed, ones, session

WRONG_FORM = "jitrt raises at once; onnxruntime prints the error and runs on the CPU"
CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
ONE_WARNING = (
    "jitrt's warning says where the session runs; Azure, which onnxruntime lists, computes nothing here"
)
NO_FALLBACK = "jitrt never runs where its user did not allow it: a provider alone that is missing is an error"


def made_with(ort, providers, options=None):
    made = ort.InferenceSession(AFFINE, providers=providers, provider_options=options)
    return made.get_providers()


@probe
def cpu(ort):
    return made_with(ort, [CPU])


@probe(differs="onnxruntime lists Azure, which computes nothing here")
def available(ort):
    return ort.get_available_providers()


@probe(differs="all that this version of jitrt can run on, and no others")
def known(ort):
    return CPU in ort.get_all_providers(), len(ort.get_all_providers()) > 10


@probe
def device(ort):
    return ort.get_device()


@probe
def none_given(ort):
    return made_with(ort, None), made_with(ort, [])


@probe
def pair(ort):
    return made_with(ort, [(CPU, {"use_arena": 1})])


@probe
def options_apart(ort):
    return made_with(ort, [CPU], [{"use_arena": "1"}])


@probe
def provider_options(ort):
    return session(ort).get_provider_options()


@probe
def cpu_twice(ort):
    return made_with(ort, [CPU, CPU])


@probe(differs=NO_FALLBACK)
def cuda_alone(ort):
    return made_with(ort, [CUDA])


@probe(differs=ONE_WARNING)
def cuda_and_cpu(ort):
    return made_with(ort, [CUDA, CPU])


@probe(differs=NO_FALLBACK)
def unknown_alone(ort):
    return made_with(ort, ["FooExecutionProvider"])


@probe(differs="jitrt takes a name for a list of one; onnxruntime warns of each letter")
def name_alone(ort):
    return made_with(ort, CPU)


@probe(message="jitrt says what is wrong with it")
def number_for_providers(ort):
    made_with(ort, 3)


@probe(differs=WRONG_FORM)
def number_in_providers(ort):
    made_with(ort, [3])


@probe(differs=WRONG_FORM)
def pair_of_another_form(ort):
    made_with(ort, [(CPU, "use_arena")])


@probe(differs=WRONG_FORM)
def lengths_that_differ(ort):
    made_with(ort, [CPU], [{}, {}])


@probe(differs=WRONG_FORM)
def options_of_another_form(ort):
    made_with(ort, [CPU], ["use_arena"])


@probe(differs=WRONG_FORM)
def pairs_and_options(ort):
    made_with(ort, [(CPU, {})], [{}])


@probe
def set_providers(ort):
    made = session(ort)
    made.set_providers([CPU])
    return made.get_providers(), made.run(None, feed())


@probe(message="jitrt says what is wrong with it")
def set_providers_of_another_form(ort):
    session(ort).set_providers(3)


@probe
def fallback_switches(ort):
    made = session(ort)
    return made.disable_fallback(), made.enable_fallback(), made.run(None, feed())


@probe
def version(ort):
    return ort.__version__, ort.get_version_string()


@probe
def build_info(ort):
    return type(ort.get_build_info())


@probe
def collective_operations(ort):
    return ort.has_collective_ops()


@probe
def telemetry(ort):
    return ort.enable_telemetry_events(), ort.disable_telemetry_events()


@probe
def seed(ort):
    return ort.set_seed(3)


@probe
def libraries_to_preload(ort):
    return ort.preload_dlls(directory="")


@probe(message="jitrt loads none")
def provider_library_missing(ort):
    ort.register_execution_provider_library("mine", "nope.so")


@probe(differs="onnxruntime on the CPU has no copies between tensors")
def tensors_copied(ort):
    source = [ort.OrtValue.ortvalue_from_numpy(ones(2))]
    target = [ort.OrtValue.ortvalue_from_shape_and_type([2], 1)]
    ort.copy_tensors(source, target)
    return target[0].numpy()


@probe
def provider_devices(ort):
    return [(d.ep_name, str(d.device.type)) for d in ort.get_ep_devices()]


@probe
def tuning_results(ort):
    made = session(ort)
    return made.get_tuning_results(), made.set_tuning_results([])


@probe
def dynamic_provider_options(ort):
    session(ort).set_ep_dynamic_options({"a": "b"})


@probe(message="onnxruntime's has a number too many")
def assignment_not_recorded(ort):
    session(ort).get_provider_graph_assignment_info()


@probe
def assignment_recorded(ort):
    options = ort.SessionOptions()
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    found = session(ort, AFFINE, options).get_provider_graph_assignment_info()
    nodes = [node for part in found for node in part.get_nodes()]
    return {part.ep_name for part in found}.pop(), sorted((n.op_type, n.domain, n.name) for n in nodes)


@probe
def captured_graph(ort):
    return session(ort).release_captured_graph()


@probe
def memory_of_inputs(ort):
    made = session(ort)
    found = [*made.get_input_memory_infos(), *made.get_output_memory_infos()]
    return [(m.name, m.device_id, m.device_vendor_id, m.mem_type, m.device_mem_type) for m in found]


@probe
def devices_of_inputs(ort):
    return [d.ep_name for d in session(ort).get_input_epdevices()]


@probe
def memory_info(ort):
    kinds = ort.OrtAllocatorType, ort.OrtMemType
    m = ort.OrtMemoryInfo("Cpu", kinds[0].ORT_ARENA_ALLOCATOR, 0, kinds[1].DEFAULT)
    return m.name, m.allocator_type, m.device_id, m.mem_type, m.device_mem_type


@probe
def memory_info_of_an_unknown_device(ort):
    ort.OrtMemoryInfo("Foo", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)


@probe
def arena_settings(ort):
    one, other = ort.OrtArenaCfg(1, 0, -1, -1), ort.OrtArenaCfg({"max_mem": 5})
    names = ("max_mem", "arena_extend_strategy", "initial_chunk_size_bytes", "max_dead_bytes_per_chunk")
    return [[getattr(c, n) for n in names] for c in (one, other)]


@probe
def arena_setting_unknown(ort):
    ort.OrtArenaCfg({"foo": 1})


@probe(differs="jitrt says that sessions keep arenas of their own")
def shared_allocator(ort):
    m = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
    return ort.create_and_register_allocator(m, None)


@probe
def device_object(ort):
    d = ort.OrtDevice.make("CPU", 0)
    return d.device_type(), d.device_id(), d.device_mem_type(), d.device_vendor_id()


@probe
def device_of_cuda(ort):
    d = ort.OrtDevice.make("cuda", 1)
    return d.device_type(), d.device_id(), d.device_vendor_id()


@probe
def device_unknown(ort):
    ort.OrtDevice.make("foo", 0)


@probe
def classes_of_errors(ort):
    state = ort.capi.onnxruntime_pybind11_state
    names = (
        *("Fail", "InvalidArgument", "NoSuchFile", "NoModel", "EngineError", "RuntimeException", "NotFound"),
        *("InvalidProtobuf", "ModelLoaded", "NotImplemented", "InvalidGraph", "EPFail", "DeviceReset"),
        *("ModelLoadCanceled", "ModelRequiresCompilation"),
    )
    return [(n, issubclass(getattr(state, n), Exception)) for n in names]


@probe(differs="jitrt's are one family, to be caught together")
def base_of_errors(ort):
    return ort.capi.onnxruntime_pybind11_state.Fail.__mro__[1].__name__


@probe
def validated_providers(ort):
    check = ort.capi.onnxruntime_inference_collection.check_and_normalize_provider_args
    return check([(CPU, {"a": 1})], None, [CPU])
