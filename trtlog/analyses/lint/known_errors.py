"""Errors whose meaning is known: their words, what they mean, what to do about them."""

from __future__ import annotations

# The builder has no dimensions for an input; which, in one of the groups.
DYNAMIC_INPUT = (
    r"ynamic input tensor (\S+) is missing dimensions in profile|Dynamic dimensions required for "
    r"input:? (\S+?),? but no shapes were provided\. (?!Auto)|(?<!\S)(\S+): dynamic input is missing dimensions"
)
# (words of the error, meaning and remedy); the first that matches counts, {0} is the first group that matched.
KNOWN: tuple[tuple[str, str], ...] = (
    (r"error while loading shared libraries: (\S+?):? ",
     "The library {0} is not found: add its folder to LD_LIBRARY_PATH."),
    (r"Unable to load library: (\S+?):? ",
     "The library {0} cannot be loaded: install it with the others of this TensorRT, and add its folder to "
     "LD_LIBRARY_PATH (on Windows PATH)."),
    (r"validateCaskKLibSize",
     "The library with the builder's kernels (nvinfer_builder_resource) is not as large as this TensorRT expects: "
     "install all libraries from one package, and keep those of others out of LD_LIBRARY_PATH (on Windows PATH)."),
    (r"Could not load library (\S+?)\.? ",
     "The library {0} could not be loaded: install it where the loader finds it (LD_LIBRARY_PATH); TensorRT's release "
     "notes name versions."),
    (r"Unknown option: (\S+)", "This trtexec does not know {0}: correct the command line, 'trtexec --help' lists the "
     "options of this version."),
    (r"CUDA (?:driver version is insufficient|driver is a stub)|CUDA initialization failure with error:? 35\b",
     "The GPU driver is too old for this CUDA, or missing: update the driver."),
    (r"CUDA initialization failure with error:? ([0-9]+)",
     "CUDA could not start (error {0}): is there a GPU, and do driver and CUDA fit? Check nvidia-smi."),
    (r"Cannot find any available devices \(GPUs\)|no CUDA-capable device is detected|cudaErrorNoDevice",
     "No GPU is visible: check nvidia-smi, CUDA_VISIBLE_DEVICES and, in a container, --gpus=all."),
    (r"Cannot find device ID ([0-9]+)", "There is no GPU number {0}: see --device and CUDA_VISIBLE_DEVICES."),
    (r"invalid device ordinal", "There is no GPU of that number: see --device and CUDA_VISIBLE_DEVICES."),
    (r"kDLA_STANDALONE",
     "The engine is a loadable for cuDLA (--buildDLAStandalone): trtexec builds it, but cannot run it."),
    (r"forceToUseNvmIO|isDLA\(n->backend\)",
     "An input or output is to be in the DLA's own memory and is read or written on the GPU too, which a loadable for "
     "the DLA alone and the DLA's formats do not allow: see which layers do not run on the DLA, and change or cut "
     "them."),
    (r"[Ff]ailure to (?:submit|load) program",
     "The DLA did not take its program: more or larger parts than one core can load, or (in a container) no access to "
     "the DLA. Put less of the network on it, or leave out --useDLACore."),
    (r"[Cc]annot create DLA engine|DLA.* not available",
     "This GPU has no DLA core of that number: leave out --useDLACore."),
    (r"Input file cannot be found, or is not a regular file: (\S+)|Error (?:opening|loading) engine file: (\S+)|"
     r"(?:[Cc]ould not|[Cc]annot|[Ff]ailed to) open (?:\w+ )?file:? *'?([^'\s]+)",
     "The file {0} cannot be opened: check the path and the permissions."),
    (r"[Nn]o such file or directory", "A file is missing: check the paths in the command."),
    (r"Plugin not found|No importer registered|getPluginCreator could not find|[Cc](?:ould not|annot) find plugin",
     "The model needs an operator that this TensorRT lacks: load its plugin "
     "(<<--staticPlugins=FILE|--plugins=FILE>>), or export the model without it. An engine that holds the plugin takes "
     "it too."),
    (r"!\s?errorOnMiss\b|ERROR_ON_TIMING_CACHE_MISS|errorOnTimingCacheMiss",
     "A tactic that was to be timed is not in the timing cache, and the build is to fail then "
     "(--errorOnTimingCacheMiss, kERROR_ON_TIMING_CACHE_MISS): build once without this flag and keep the cache "
     "(--timingCacheFile), then use it with the same TensorRT, GPU, network and options."),
    (r"Autotuner: no tactics to implement operation:\s*(?:[0-9]+: )?(.*)",
     "TensorRT has no kernel for this operation in this type and shape ({0}): let the layer run in another "
     "precision, or change the operation in the model (separate what is fused)."),
    (r"NVRTC [Cc]ompilation failure",
     "A kernel that TensorRT generates does not compile: the GPU or a type is too new for this version, or the "
     "combination is a defect of it; try another precision for the named layer, or a newer TensorRT."),
    (r"Could not infer output types for operation",
     "TensorRT cannot tell the types of this operation: give the layer one type on all inputs, or quantize it "
     "otherwise."),
    (r"pluginUtils::isSuccess|enqueue\(\) returned|Plugin .* enqueue .*fail",
     "The plugin's own code failed: its enqueue reported an error or raised an exception. Mend the plugin; its output "
     "stands near this line."),
    (r"operation not permitted when stream is capturing|previous error during capture",
     "The engine does something that a CUDA graph does not hold (a plugin, loop or condition that waits for the GPU "
     "or allocates). trtexec then launches it without a graph, and times that. <<Leave --useCudaGraph out|Add "
     "--noCudaGraph>>, or change that part."),
    (r"the launch timed out",
     "A kernel ran longer than the system allows (a watchdog of a GPU with a display, or a kernel that hangs): use a "
     "GPU without display or raise the limit, and look at the plugin or layer timed before it."),
    (r"isRefittable\(\)",
     "The engine cannot be refitted: it was built without --refit. Build it again with it."),
    (r"unspecified launch failure|\bError 719\b|CUDA_ERROR_LAUNCH_FAILED|cudaErrorLaunchFailure",
     "A kernel failed while it ran, mostly by an access to memory that is not its own: run with CUDA_LAUNCH_BLOCKING=1 "
     "or compute-sanitizer to see which."),
    (r"misaligned address|illegal memory access|\bError 7(?:00|16) destroying event|an illegal instruction|"
     r"CUDA_ERROR_(?:ILLEGAL|MISALIGNED)_ADDRESS|CUDA_ERROR_ILLEGAL_INSTRUCTION|synchronize failed \(700\)",
     "A kernel accessed memory that is not its own, mostly one of a plugin: run with CUDA_LAUNCH_BLOCKING=1 or "
     "compute-sanitizer to see which."),
    (r"(?:Cudnn|CUDNN|Cublas|CUBLAS) ?(?:Error|_STATUS)|CUDNN_STATUS_\w+|CUBLAS_STATUS_\w+",
     "A library of CUDA failed at run time, often after an earlier GPU error or for lack of memory: look at the lines "
     "before it, and check that its version is that of TensorRT's release notes."),
    (r"not compatible with this version of TensorRT, expecting library version (?P<here>[^\s,]+) got "
     r"(?P<built>[^\s,]+)",
     "The engine was built with TensorRT {built}, and this is {here}: build it again with this version, or with "
     "--versionCompatible."),
    (r"generated on an incompatible device, expecting compute (?P<here>[^\s,]+) got compute (?P<built>[^\s,]+)",
     "The engine was built for a GPU of compute capability {built}, and this one has {here}: build it again on this "
     "GPU, or with --hardwareCompatibilityLevel."),
    (r"[Vv]ersion tag does not match\. Note: Current Version: (?P<here>[0-9]+), Serialized Engine Version: "
     r"(?P<built>[0-9]+)",
     "The engine was written by another version of TensorRT (in format {built}, where this one reads {here}): build it "
     "again with this version on this GPU."),
    (r"[Cc]annot deserialize plugin|IPluginCreator not found|[Cc]annot (?:find|get) (?:the )?plugin creator",
     "The engine holds a plugin that is not loaded here: load its library before the engine "
     "(<<--staticPlugins=FILE|--plugins=FILE>>)."),
    (r"SymbolAddress for getPluginCreators could not be loaded",
     "The library is no plugin library of this kind: it exports no getPluginCreators (later getCreators), which "
     "loading it this way takes. One that registers its plugins itself (REGISTER_TENSORRT_PLUGIN) is loaded with "
     "<<--staticPlugins=FILE|--plugins=FILE>>."),
    (r"[Ss]erialization assertion|magic ?[Tt]ag|[Vv]ersion [Tt]ag|engine plan file is|Cannot deserialize|"
     r"incompatible device|Serialization version is not supported",
     "The engine file is damaged or of another TensorRT or GPU: build it again with this version on this GPU."),
    (r"(?:cannot run on|does not support) this (?:GPU|compute capability)|no kernel image is available|"
     r"[Uu]nsupported (?:SM|compute capability)|Target GPU SM [0-9]+ is not supported",
     "This TensorRT does not serve this GPU: use a version that does."),
    (r"require hardware with (\w+) support",
     "This GPU does not compute in {0}, as far as this TensorRT knows it (FP8 takes compute capability 8.9 or more, "
     "FP4 10.0 or more): quantize the model otherwise, use another GPU, or a newer TensorRT where the GPU is newer."),
    (r"precision has been set for a layer or layer output, but (?P<flag>\w+) is not configured in the builder",
     "The network asks for a precision that the builder may not use: add --{flag}, or build with --stronglyTyped."),
    (r"(?<!\S)(?P<layer>[^\s:(]\S*|\(Unnamed Layer\* [0-9]+\) \[\w+\]): "
     r"(?:ElementWiseOperation \w+ must have same input types|operation \w+ has incompatible input types)",
     "The inputs of the layer {layer} are of different types, which TensorRT does not mix where it takes types from "
     "the model: put a Cast before it, or convert the model as a whole (for example by ModelOpt AutoCast)."),
    (r"element type \(\w+\) differs from input [0-9]+'s element type",
     "The inputs of a layer came to be of different types, which is mostly a defect of this version's fusions: ask for "
     "one precision throughout (without FP16, or without FP16 inputs and outputs beside FP32 constants), or use "
     "another version of TensorRT."),
    (r"requires? (?:a )?[Ss]trongly[- ][Tt]yped",
     "The model has types that only a strongly typed network takes: add --stronglyTyped."),
    (r"volume exceeds|exceeds \(?2\^31",
     "A tensor has more elements than TensorRT takes: use smaller shapes or batches, or split it in the model."),
    (r"Static model does not take explicit shapes",
     "The model's shapes are fixed: leave --shapes, --minShapes, --optShapes and --maxShapes out."),
    (r'Cannot find input tensor with name "([^"]*)"', "The model has no input {0}: check the names in the shapes."),
    (r"Invalid inputs were provided to the optimization profile: \{?'?([^'}]*)",
     "The model has no input {0}: check the names in the shapes of the optimization profile."),
    (DYNAMIC_INPUT,
     "The input {0} has dynamic dimensions: give --shapes, or --minShapes, --optShapes and --maxShapes."),
    (r"without resolved dynamic shapes",
     "The engine has dynamic inputs and was run before their shapes were set: give --shapes, in the API set them for "
     "every input (set_input_shape), and use the results only where the call succeeded."),
    (r"no optimization profile has been defined",
     "The network has dynamic inputs: give an optimization profile (in trtexec --minShapes, --optShapes and "
     "--maxShapes)."),
    (r"(?:\(|^|\s)(?P<tensor>[^\s(]+): for dimension number (?P<place>[0-9]+) in profile [0-9]+ does not match network "
     r"definition \(got min=(?P<got>[0-9]+), opt=(?P<opt>[0-9]+), max=(?P<most>[0-9]+)\), expected "
     r"min=opt=max=(?P<wanted>[0-9]+)",
     "Dimension {place} (from 0) of the input {tensor} is {wanted} in the model and cannot be changed, but {given} was "
     "given: correct --shapes, --minShapes, --optShapes and --maxShapes, or export the model with this dimension "
     "dynamic."),
    (r"profile has min=(?P<got>[0-9]+), opt=(?P<opt>[0-9]+), max=(?P<most>[0-9]+) but tensor has (?P<wanted>[0-9]+)",
     "A dimension of an input is {wanted} in the model and cannot be changed, but {given} was given: correct --shapes, "
     "--minShapes, --optShapes and --maxShapes, or export the model with this dimension dynamic."),
    (r"Static dimension mismatch while setting input shape for (?P<tensor>\S+?)\. "
     r"Set dimensions are (?P<got>\[[^\]]*\])\. "
     r"Expected dimensions are (?P<wanted>\[[^\]]*\])",
     "The engine takes {wanted} for the input {tensor}, where -1 may be chosen, but {got} was given: correct "
     "--shapes, or build the engine for these shapes."),
    (r"Static dimension mismatch while setting input shape",
     "A given shape differs from the engine's in a dimension that is fixed, such as the number of channels: correct "
     "--shapes, or build the engine for these shapes."),
    (r"Supplied binding dimension (?P<got>\[[^\]]*\]) for bindings\[[0-9]+\] exceed min ~ max range at index "
     r"(?P<place>[0-9]+), maximum dimension in profile is (?P<most>[0-9]+), minimum dimension in profile is "
     r"(?P<least>[0-9]+)",
     "The engine was built for {least} to {most} in dimension {place} (from 0), but the shape {got} was given: correct "
     "--shapes, or build with --minShapes and --maxShapes that hold it."),
    (r"Set dimension (?P<got>\[[^\]]*\]) for tensor (?P<tensor>\S+) does not satisfy any optimization profiles\. Valid "
     r"range for profile (?P<number>[0-9]+): (?P<least>\[[^\]]*\])\.\.(?P<most>\[[^\]]*\])",
     "The engine takes {least} to {most} for the input {tensor} (profile {number}), but {got} was given: correct "
     "--shapes, or build with --minShapes and --maxShapes that hold it."),
    (r"(?:\(|^|\s)([^\s(]+): number of dimensions is [0-9]+ but profile [0-9]+ has [0-9]+",
     "The given shape of {0} has another number of dimensions than the model's input: "
     "Check --shapes, --minShapes, --optShapes and --maxShapes."),
    (r"k(?P<point>MIN|OPT|MAX) values for profile (?P<number>[0-9]+) violate shape constraints: "
     r"(?P<node>(?:(?!: ).)+): .*Condition '\S+' violated: (?P<got>-?[0-9]+ \S+ -?[0-9]+)",
     "What the model computes from the {point} shapes of profile {number} does not fit together at {node} ({got}): "
     "give shapes that the model takes (strides often want multiples of 32), or export it with these dimensions "
     "dynamic."),
    (r"k(?P<point>MIN|OPT|MAX) values for profile (?P<number>[0-9]+) violate shape constraints: (?P<what>.*[^.)])",
     "What the model computes from the {point} shapes of profile {number} does not fit together ({what}): give shapes "
     "that the model takes, or export it with these dimensions dynamic."),
    (r"(?<!\S)(?P<layer>\S+) has no runners that implement it",
     "This TensorRT has nothing that computes the layer {layer}: replace it in the model, load a plugin for it, or use "
     "a version that has it (TensorRT-RTX lacks layers that TensorRT has)."),
    (r"(?<!\S)(?P<layer>\S+): I\w+Layer cannot be used to compute a shape tensor",
     "The layer {layer} is part of what computes a shape, which TensorRT does not do with such a layer: fold constants "
     "(polygraphy surgeon sanitize --fold-constants), or export the model with fixed shapes."),
    (r"for dimension [0-9]+ in profile|[Pp]rofile [0-9]+ .*(?:dimension|valid range)|"
     r"doesn't match number of dimensions|does not satisfy any optimization profiles|static shapes do(?:es)? not match|"
     r"shapes do not match the static shapes",
     "The given shapes do not fit the model's inputs: check names, ranks and min <= opt <= max in --shapes, "
     "--minShapes, --optShapes and --maxShapes."),
    (r"Accuracy validation FAILED",
     "An output deviates more from its reference than --accuracyThreshold allows; the engine and its times stand. "
     "Compare with the model in FP32, keep the layers that lose in a wider type, or allow more."),
    (r"Model missing or format not recognized", "No model was given: give --onnx or --loadEngine."),
    (r"invalid memory size \(0\)",
     "The builder may use no workspace: set its limit (<<--memPoolSize=workspace:MIB|--workspace=MIB>>)."),
    (r"check the encoding key|UffParser: Unsupported number of graph",
     "The model could not be read with this key: check the key (-k), and that the converter takes such a file."),
    (r"Network must have at least one output",
     "The network has no output: the model was not imported, or its outputs were not marked."),
    (r"invalid weights type of (\w+)",
     "The parser of this version takes no weights of type {0} here: export the model with quantization as Q/DQ nodes "
     "on FP32 weights, or use a newer TensorRT."),
    (r"[Oo]ut of memory|OutOfMemory|cudaErrorMemoryAllocation|bad[_ ]alloc|insufficient memory|allocating [0-9]+-byte|"
     r"Requested size was [0-9]+ bytes|CUDA_ERROR_OUT_OF_MEMORY",
     "Memory ran out: free the GPU's memory (nvidia-smi shows who uses it), use smaller shapes or a smaller workspace, "
     "or a larger GPU."),
    (r"(?:^|[0-9] +)Killed(?:\s|$)|SIGKILL",
     "The system ended the process, mostly because the host's memory ran out (dmesg names the out-of-memory killer; on "
     "Jetson the GPU's memory is the host's): free memory or add swap, take less workspace or smaller shapes."),
    (r"No space left on device", "A disk is full."),
    (r"Could not open library|Could not load plugin library: (\S+)|Unable to open library: (\S+)",
     "The plugin library {0} cannot be loaded: check its path and what it depends on (ldd)."),
    (r"Safety is not supported", "This TensorRT has no safety runtime: leave --safe out."),
    (r"Saving engine to file failed", "The engine could not be written: check the folder and the free space."),
    (r"Failed to parse ONNX model from file:? (\S+)|protobuf.*(?:ModelProto|[Ee]rror)|ModelProto",
     "The ONNX model {0} cannot be read: it is missing, damaged or no ONNX model; check the path, and the file with "
     "onnx.checker."),
    (r"[Tt]iming cache.*mismatch|Incoming ITimingCache",
     "The timing cache is of another GPU or version and is not used: keep one file for each."),
    (r"CUDA error [0-9]+|Cuda (?:failure|Runtime|Error)|cudaError\w+",
     "CUDA failed: look at the words of the error; is the GPU free and healthy (nvidia-smi, dmesg)?"),
    (r"[Cc]ould not find any implementation for node",
     "Look at what was skipped for this node ('trtlog why NODE LOG'): often too little memory "
     "(<<--memPoolSize=workspace:MIB|--workspace=MIB>>), a precision constraint, or a kernel of a newer version."),
)  # fmt: skip

# Where the parser names a node of the model the remedy lies in the model, whatever words the error uses.
IN_MODEL: tuple[tuple[str, str], ...] = (
    (r"Plugin not found|FallbackPluginImporter|creator",
     "TensorRT has no operator {op} and no plugin of that name is loaded: load its plugin "
     "(<<--staticPlugins=FILE|--plugins=FILE>>), or export the model without it."),
    (r"[Ss]cale coefficients must all be positive|scaleAllPositive",
     "A scale of the quantizer {op} is zero or negative, and TensorRT takes positive ones only: calibrate or train it "
     "again (what it quantizes may be zero throughout), or set such scales to a small positive number."),
    (r"must have (?:the )?same (?:input )?types",
     "The inputs of the node {op} are of different types, which TensorRT does not mix where it takes types from the "
     "model: put a Cast before it, or convert the model as a whole (for example by ModelOpt AutoCast)."),
    (r"(?<![A-Za-z_/])(?:re)?shape|[Dd]imension|nbDims|broadcast|conformable",
     "The node {op} of the model gets inputs whose shapes do not fit together: mend the model (look at the node's "
     "inputs, fold constants with polygraphy surgeon sanitize --fold-constants, or export it anew)."),
    (r"invalid weights type of (\w+)",
     "The parser of this version takes no weights of type {0} here: export the model with quantization as Q/DQ nodes "
     "on FP32 weights, or use a newer TensorRT."),
)  # fmt: skip

# What earlier errors lead to.
RESULTS: tuple[str, ...] = (
    r"Assertion engine(?:Ptr)? != nullptr failed",
    r"^Failed to parse ONNX model from file|^Failure while parsing ONNX",
    r"^ERROR: \S+:[0-9]+ In function \w+:\s*$",
    r"\[6\] Invalid Node - .*\s*\Z",
    r"[Ee]ngine deserialization failed|Deserialize the cuda engine failed|^INVALID_STATE: std::exception",
    r"^Parsing model failed|^Got invalid engine|^Unable to create engine",
    r"Network must have at least one output",
    r"^ *FAILED \|",
    r"CAPTURED STDERR|CAPTURED STDOUT",
)

# Errors that runs survive: never the cause of a failure where another error is there.
HARMLESS: tuple[str, ...] = (
    r"[Tt]iming cache",
    r"Cannot register the library as plugin creator",
    r"^\[NS\] Error parsing",
    r"[Cc]ould not read cache",
    # a flag of the builder that is not set for another one
    r"cannot be set if k\w+ is set",
)
