"""A client that knows the service by its .proto files alone: python client.py ADDRESS. Prints what it was answered, as JSON."""

import array
import json
import sys

import grpc

from adjoint.v1 import autodiff_service_pb2, autodiff_service_pb2_grpc
from adjoint.v1 import compute_pb2, graph_pb2, tensor_pb2
from adjoint.v1 import operation_service_pb2, operation_service_pb2_grpc
from adjoint.v1 import session_service_pb2, session_service_pb2_grpc
from adjoint.v1 import tape_service_pb2, tape_service_pb2_grpc
from adjoint.v1 import variable_service_pb2, variable_service_pb2_grpc


def tensor(values, shape):
    return tensor_pb2.Tensor(
        dtype=tensor_pb2.DTYPE_FLOAT32, shape=shape, data=array.array("f", values).tobytes()
    )


def floats(message):
    return list(array.array("f", message.data))


def names(*given):
    return tensor_pb2.Nest(list=tensor_pb2.NestList(items=[tensor_pb2.Nest(name=name) for name in given]))


channel = grpc.insecure_channel(sys.argv[1])
autodiff = autodiff_service_pb2_grpc.AutodiffServiceStub(channel)
sessions = session_service_pb2_grpc.SessionServiceStub(channel)
variables = variable_service_pb2_grpc.VariableServiceStub(channel)
tapes = tape_service_pb2_grpc.TapeServiceStub(channel)
operations = operation_service_pb2_grpc.OperationServiceStub(channel)
said = {}

# The gradient of mean((x w)^2): 2 x^T (x w) / 2.
request = autodiff_service_pb2.GradientRequest(
    graph=graph_pb2.Graph(text="loss = mean((x @ w) ** 2)"),
    values={"x": tensor([1, 2, 3], [1, 3]), "w": tensor([1, 0, 0, 1, 1, 1], [3, 2])},
    sources=names("w"),
)
reply, call = autodiff.Gradient.with_call(request, timeout=10, metadata=[("x-request-id", "from-python")])
said["loss"] = floats(reply.values["loss"])
said["gradient"] = floats(reply.gradients.list.items[0].tensor)
said["request_id"] = dict(call.initial_metadata())["x-request-id"]

node = graph_pb2.Node(
    name="s",
    op="sum",
    inputs=[graph_pb2.Operand(name="x")],
    params={"axes": graph_pb2.Param(list=graph_pb2.ParamList(items=[graph_pb2.Param(number=1)]))},
)
document = graph_pb2.GraphDocument(inputs={"x": graph_pb2.InputType()}, nodes=[node])
reply = autodiff.Evaluate(
    autodiff_service_pb2.EvaluateRequest(
        graph=graph_pb2.Graph(document=document), values={"x": tensor([1, 2, 3, 4], [2, 2])}
    )
)
said["sum"] = [list(reply.values["s"].shape), floats(reply.values["s"])]

try:
    node.op = "smu"
    document = graph_pb2.GraphDocument(inputs={"x": graph_pb2.InputType()}, nodes=[node])
    autodiff.Evaluate(
        autodiff_service_pb2.EvaluateRequest(
            graph=graph_pb2.Graph(document=document), values={"x": tensor([1], [1])}
        )
    )
except grpc.RpcError as error:
    said["error"] = [error.code().name, error.details()]
    said["has_details"] = any(key == "grpc-status-details-bin" for key, _ in error.trailing_metadata())

session = sessions.CreateSession(
    session_service_pb2.CreateSessionRequest(
        variables={"w": session_service_pb2.NewVariable(value=tensor([0, 0], [2]))}
    )
).session
said["session"] = [session.variables, session.created_at.ToDatetime().year >= 2020]
steps = variables.Minimize(
    variable_service_pb2.MinimizeRequest(
        session=session.session,
        graph=graph_pb2.Graph(text="loss = sum((w - 3) ** 2)"),
        optimizer=variable_service_pb2.Optimizer(name="sgd", learning_rate=0.25),
        steps=30,
        progress_interval_ms=0,
    )
)
said["losses"] = [step.loss for step in steps]
chunks = [
    chunk.content
    for chunk in variables.DownloadVariables(
        variable_service_pb2.DownloadVariablesRequest(session=session.session)
    )
]
file = b"".join(chunks)


def upload():
    yield variable_service_pb2.UploadVariablesRequest(session=session.session)
    for at in range(0, len(file), 100):
        yield variable_service_pb2.UploadVariablesRequest(content=file[at : at + 100])


said["uploaded"] = sorted(variable.name for variable in variables.UploadVariables(upload()).variables)

tape = tapes.CreateTape(tape_service_pb2.CreateTapeRequest(session=session.session, tape="t")).tape
place = {"session": session.session, "tape": tape.tape}
tapes.RecordTape(tape_service_pb2.RecordTapeRequest(graph=graph_pb2.Graph(text="y = sum(w ** 3)"), **place))
reply = tapes.TapeGradient(tape_service_pb2.TapeGradientRequest(targets=["y"], sources=names("w"), **place))
said["tape"] = floats(reply.gradients.list.items[0].tensor)

started = operation_service_pb2.StartOperationRequest(method="Gradient")
started.request.Pack(request)
operation = operations.StartOperation(started).operation
for message in operations.WatchOperation(
    operation_service_pb2.WatchOperationRequest(operation=operation.operation)
):
    last = message.operation
response = autodiff_service_pb2.GradientResponse()
last.response.Unpack(response)
said["operation"] = [
    operation_service_pb2.OperationState.Name(last.state),
    floats(response.gradients.list.items[0].tensor),
]
print(json.dumps(said))
